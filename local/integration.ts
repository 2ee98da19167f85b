import { setTimeout as pause } from "node:timers/promises";
import type { InvocationResult } from "./functions.ts";

/** Waits for an invocation for as long as API Gateway does; the function itself goes on. */
export async function integrated(
  invocation: Promise<InvocationResult>,
  milliseconds: number,
): Promise<InvocationResult> {
  const ended = new AbortController();
  const timeout = pause(milliseconds, undefined, { signal: ended.signal, ref: false });
  // It is aborted if the function is in time.
  const late = timeout.then(
    () => ({ ok: false, fault: "timed_out", message: "Integration timed out" }) as const,
    () => invocation,
  );
  const result = await Promise.race([invocation, late]);
  ended.abort();
  return result;
}
