import { fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { createBareServer } from "./function.ts";
import { cpuOf, heapInUse, median, messageOf } from "./measure.ts";

const MEMBERS = 10;
const PACKET = `421${JSON.stringify(["custom:event", { projectId: "p1", text: "hello", n: 1 }])}`;

/** Microseconds of processor time of one `custom:event` to a room of ten, acknowledged. */
export async function measureEvents(
  count: number,
  rounds: number,
): Promise<{ readonly ours: number; readonly stock: number }> {
  const stock = await stockServer();
  const { onFrame } = await createBareServer(MEMBERS);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    const own = await cpuOf(async () => {
      for (let n = 0; n < count; n += 1) await onFrame(from("c0="), PACKET);
    });
    const other = await cpuOf(() => stock.run(count));
    // The first round only warms up.
    if (round > 0) ours.push(own / count);
    if (round > 0) theirs.push(other / count);
  }
  stock.stop();
  return { ours: median(ours), stock: median(theirs) };
}

const from = (connectionId: string) => ({
  ...{ connectionId, connectedAt: Date.now(), receivedAt: Date.now(), messageId: "m" },
});

/** A stock Socket.IO server in this process with an equivalent event handler. */
async function stockServer() {
  const http = createServer();
  const server = new Server(http, { transports: ["websocket"] });
  server.on("connection", (socket) => {
    socket.on("join", async (answer: () => void) => {
      await socket.join("project:p1");
      answer();
    });
    socket.on("custom:event", (payload: object, answer: (value: object) => void) => {
      const timestamp = new Date().toISOString();
      socket.to("project:p1").emit("custom:event", { ...payload, sender: "ann", timestamp });
      answer({ ok: true });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const script = new URL("./stock-clients.ts", import.meta.url);
  const clients = fork(script, [url, String(MEMBERS), "custom:event"], {
    execArgv: ["--import", "tsx"],
  });
  await messageOf(clients);
  return {
    async run(count: number) {
      clients.send(count);
      await messageOf(clients);
    },
    stop() {
      clients.kill();
      void server.close();
    },
  };
}

/** Bytes of a function's heap for each connection it remembers, in a room of this size. */
export async function measureMemory(members: number, connections: number): Promise<number> {
  const { onFrame } = await createBareServer(members);
  // The first connections evict those of an earlier measurement.
  const before = await heapAfter(0, 500);
  return ((await heapAfter(500, 500 + connections)) - before) / connections;

  async function heapAfter(first: number, last: number): Promise<number> {
    for (let n = first; n < last; n += 1)
      await onFrame(from(`L0SM9cOFvHc${n}=`), '421["presence:update"]');
    await onFrame(from("warm="), PACKET);
    return heapInUse();
  }
}
