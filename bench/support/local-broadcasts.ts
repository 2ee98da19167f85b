import { io, type Socket } from "socket.io-client";
import { signToken } from "../../client/token.ts";
import { startStack } from "../../local/stack.ts";
import { median } from "./measure.ts";

const SECRET = "a secret of at least thirty-two characters";
const ROUNDS = 9;

/** Milliseconds from an event to its last delivery, over the local gateway with real clients, by the size of the room. */
export async function measureLocally(
  assembly: string,
  sizes: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const stack = await startStack({
    ...{ assembly, port: 0, secret: SECRET, schedules: false },
    log: () => undefined,
  });
  const measured = new Map<number, number>();
  for (const size of sizes) {
    const token = await signToken({ sub: "ann", org: `org-${size}`, projects: ["p1"] }, SECRET);
    const sockets = await Promise.all(
      Array.from({ length: size + 1 }, () => connect(stack.url, token)),
    );
    const [sender, ...listeners] = sockets;
    const times: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const received = listeners.map(
        (socket) => new Promise((resolve) => socket.once("custom:event", resolve)),
      );
      const began = performance.now();
      sender?.emit("custom:event", { projectId: "p1" });
      await Promise.all(received);
      // The first round only warms up.
      if (round > 0) times.push(performance.now() - began);
    }
    measured.set(size, median(times));
    for (const socket of sockets) socket.disconnect();
    await stack.idle();
  }
  await stack.stop();
  return measured;
}

/** A socket that has joined the project. */
async function connect(url: string, token: string): Promise<Socket> {
  const socket = io(url, { transports: ["websocket"], forceNew: true, auth: { token } });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  await socket.emitWithAck("subscribe:project", "p1");
  return socket;
}
