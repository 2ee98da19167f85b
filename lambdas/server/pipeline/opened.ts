import type { Connection } from "#server/model/session.ts";
import type { Parts } from "./parts.ts";

/** Milliseconds for which a CONNECT waits for the OPEN packet, or for the DISCONNECT before it, that it has overtaken. */
const PATIENCE = 1500;
const FIRST_WAIT = 50;

/** Tries something again and again, until it gives something or has waited for long enough. */
export async function patiently<Result>(
  { runtime: { pause } }: Parts,
  attempt: () => Promise<Result | undefined>,
): Promise<Result | undefined> {
  for (let [waited, wait] = [0, FIRST_WAIT]; ; waited += wait, wait *= 2) {
    const result = await attempt();
    if (result !== undefined || waited >= PATIENCE) return result;
    await pause(wait);
  }
}

/** A connection once it has been sent the OPEN packet, which nothing may overtake; nothing where it has ended. */
export async function opened(parts: Parts, connectionId: string): Promise<Connection | undefined> {
  const { connections } = parts.adapter;
  // One that has ended is found, too: there is nothing to wait for.
  const connection = await patiently(parts, () => connections.get(connectionId, 0));
  // A link has nothing of its own.
  const isOpen = connection?.endedAt === undefined && connection?.owner === undefined;
  return isOpen ? connection : undefined;
}
