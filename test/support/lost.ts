import type { LocalStack } from "../../local/stack.ts";
import { ageLosses } from "./rewrite.ts";
import { stack as shared } from "./running.ts";

/** Ends the sessions that have lost their connection, as if the time in which they may come back were over. */
export async function endLost(stack: LocalStack = shared, heartbeat = "Heartbeat"): Promise<void> {
  if ((await ageLosses(stack)) === 0) return;
  const scheduledTime = new Date().toISOString();
  await stack.functions.invoke(stack.functions.named(heartbeat), { scheduledTime });
  await stack.idle();
}
