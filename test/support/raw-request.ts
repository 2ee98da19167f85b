import { connect } from "node:net";

/** Sends raw bytes and resolves with the response; with `cut`, terminates the connection after sending. */
export function rawRequest(url: string, bytes: string | Buffer, cut = false): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => {
      if (cut) socket.write(bytes, () => socket.destroy());
      else socket.write(bytes);
    });
    socket.on("data", (data) => {
      answer += data;
      // Only the first response is needed; the connection of an upgrade would stay open.
      if (answer.includes("\r\n\r\n")) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}
