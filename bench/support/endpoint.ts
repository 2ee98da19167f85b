import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A management endpoint in a process of its own, so that its processor time is nobody else's.
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200).end());
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("disconnect", () => process.exit());
