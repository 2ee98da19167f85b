import { io, type Socket } from "socket.io-client";

// The clients of a stock server, in a separate process: one sends, all others receive.
const [url = "", clients = "", event = ""] = process.argv.slice(2);
const sockets = await Promise.all(
  Array.from(
    { length: Number(clients) },
    () =>
      new Promise<Socket>((resolve) => {
        const socket = io(url, { transports: ["websocket"], forceNew: true });
        socket.on("connect", () => resolve(socket));
      }),
  ),
);
const [sender] = sockets;
await Promise.all(sockets.map((socket) => socket.emitWithAck("join")));
process.send?.("ready");
process.on("message", async (events: number) => {
  for (let sent = 0; sent < events; sent += 100)
    await Promise.all(
      Array.from({ length: 100 }, () =>
        sender?.emitWithAck(event, { projectId: "p1", text: "hello", n: sent }),
      ),
    );
  process.send?.("done");
});
process.once("disconnect", () => process.exit());
