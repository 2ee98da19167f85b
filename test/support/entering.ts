import type { Socket } from "socket.io-client";
import { withoutOffset } from "./offsets.ts";

/** Resolves once a stock client is connected; `next` gives what it receives, in order, without offsets. */
export async function entering(socket: Socket) {
  const events: unknown[][] = [];
  const waiting: ((event: unknown[]) => void)[] = [];
  socket.onAny((...args) => {
    const event = withoutOffset(args);
    const resolve = waiting.shift();
    if (resolve === undefined) events.push(event);
    else resolve(event);
  });
  await new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("connect_error", reject);
  });
  const next = async (): Promise<unknown[]> =>
    events.shift() ?? new Promise((resolve) => waiting.push(resolve));
  return { socket, next, emit: socket.emit.bind(socket), ask: socket.emitWithAck.bind(socket) };
}
