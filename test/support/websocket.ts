import { WebSocket } from "ws";

/** A plain WebSocket client, which sends and receives literal frames. */
export interface RawClient {
  send(frame: string): void;
  /** Sends one message as several WebSocket frames of at most `size` bytes. */
  sendInFrames(text: string, size: number): void;
  /** Sends a binary frame, which API Gateway does not support. */
  sendBinary(data: Buffer): void;
  /** The next frame of the server, received already or yet to come. */
  nextFrame(): Promise<string>;
  /** The subprotocol that the server has selected; empty if none. */
  readonly protocol: string;
  /** The close code, once the connection is closed. */
  readonly closed: Promise<number>;
  close(code: number, reason: string): void;
  /** Ends the connection without a closing handshake. */
  kill(): void;
}

const open = new Set<WebSocket>();

/** Opens a WebSocket; rejects with the HTTP status if the upgrade is refused. */
export function openWebSocket(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  protocols: readonly string[] = [],
): Promise<RawClient> {
  const socket = new WebSocket(url, [...protocols], { headers, perMessageDeflate: false });
  open.add(socket);
  const received: string[] = [];
  const waiting: ((frame: string) => void)[] = [];
  socket.on("message", (data) => {
    const resolve = waiting.shift();
    if (resolve === undefined) received.push(String(data));
    else resolve(String(data));
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));

  const client: RawClient = {
    send: (frame) => socket.send(frame),
    sendInFrames(text, size) {
      const bytes = Buffer.from(text);
      for (let start = 0; start < bytes.length; start += size)
        socket.send(bytes.subarray(start, start + size), {
          binary: false,
          fin: start + size >= bytes.length,
        });
    },
    sendBinary: (data) => socket.send(data),
    nextFrame() {
      const frame = received.shift();
      return frame === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(frame);
    },
    get protocol() {
      return socket.protocol;
    },
    closed,
    close: (code, reason) => socket.close(code, reason),
    kill: () => socket.terminate(),
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(client));
    socket.on("unexpected-response", (_, { statusCode }) => reject(new Error(`${statusCode}`)));
    socket.on("error", reject);
  });
}

/** Terminates all open WebSockets. */
export function terminateAllWebSockets(): void {
  for (const socket of open) socket.terminate();
  open.clear();
}

/**
 * Connects a client that has just been opened to the namespace `/`, once nothing is under way: a CONNECT that overtakes
 * its connection's item is tried again, which costs more.
 */
export async function connectAlone(
  client: RawClient,
  token: string,
  idle: () => Promise<void>,
): Promise<void> {
  await client.nextFrame();
  await idle();
  client.send(`40${JSON.stringify({ token })}`);
  await client.nextFrame();
}
