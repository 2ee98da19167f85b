import { connect } from "node:net";

/** Sends bytes as they are; gives what is answered until the connection ends, and cuts it there if asked to. */
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
      // The first answer is all that is asked for; an upgrade's connection would stay.
      if (answer.includes("\r\n\r\n")) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}
