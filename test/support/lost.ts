import type { Socket } from "socket.io-client";
import { isPolling } from "#server/model/transport.ts";
import type { LocalStack } from "../../local/stack.ts";
import { ageLosses, rewrite } from "./rewrite.ts";
import { connectionItems, stack as shared } from "./running.ts";

/** Ends the sessions that have lost their connection, as if the time in which they may come back were over. */
export async function endLost(stack: LocalStack = shared, heartbeat = "Heartbeat"): Promise<void> {
  if ((await ageLosses(stack)) > 0) await visitLost(stack, heartbeat);
}

/** Has the heartbeat visit those sessions, as it does every minute. */
export async function visitLost(stack: LocalStack, heartbeat: string): Promise<void> {
  const scheduledTime = new Date().toISOString();
  await stack.functions.invoke(stack.functions.named(heartbeat), { scheduledTime });
  await stack.idle();
}

/** Has a client that polls lose its network: it asks no more, and says no goodbye. */
export function fallSilent({ io: { engine } }: Socket): void {
  const transport = engine.transport as unknown as {
    doClose(): void;
    readonly pollXhr?: { abort(): void };
  };
  transport.doClose = () => undefined;
  transport.pollXhr?.abort();
  engine.close();
}

/** Loses a client's connection so that the server is not told, and finds out by the next packet for it. */
export async function kill(socket: Socket, connectionId: string): Promise<void> {
  if (!isPolling(connectionId)) return shared.gateway.drop(connectionId);
  fallSilent(socket);
  // A client is taken for dead that has not asked for a minute.
  const isQueue = ({ pk, sk }: Readonly<Record<string, unknown>>) =>
    pk === `conn#${connectionId}` && sk === "queue";
  await rewrite(shared, (await connectionItems()).filter(isQueue), "pollAt", () => 0);
}

/** The connections that there are: what `endSilent` ends if nobody is there any more. */
export const connectionsNow = async () =>
  (await connectionItems()).filter(({ lastSeenAt }) => lastSeenAt !== undefined);

/** Ends connections of whose loss the server was not told, as if no pong had come for long. */
export async function endSilent(connections: readonly Record<string, unknown>[]): Promise<void> {
  await rewrite(shared, connections, "lastSeenAt", () => 0);
  const { functions } = shared;
  for (let shard = 0; shard < 16; shard += 1)
    await functions.invoke(functions.named("Heartbeat"), { shard });
  await shared.idle();
}
