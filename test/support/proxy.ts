import { createServer, request as forward, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll } from "vitest";
import { listen } from "../../local/listening.ts";

/** A proxy in front of a stack, as companies have them: requests pass, and WebSockets do not, or not yet. */
export interface Proxy {
  readonly url: string;
  /** How many WebSockets it has blocked. */
  blocked(): number;
  /** Lets WebSockets pass from now on, and those that have waited. */
  letThrough(): void;
}

/**
 * Returns a function that starts proxies, which are stopped after all tests: clients say goodbye by them. A WebSocket
 * is refused, or waits until it is let through.
 */
export function proxies(): (to: string, webSockets: "refused" | "held") => Promise<Proxy> {
  const stops: (() => void)[] = [];
  afterAll(() => {
    for (const stop of stops) stop();
  });

  return async (to, webSockets) => {
    const { hostname, port } = new URL(to);
    const waiting: (() => void)[] = [];
    const sockets = new Set<Duplex>();
    let blocked = 0;
    let isOpen = false;
    const server = createServer((request, response) => {
      const { method, url, headers } = request;
      const passed = forward({ hostname, port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.on("error", () => response.destroy());
      response.on("close", () => passed.destroy());
      request.pipe(passed);
    });
    server.on("connection", (socket) => sockets.add(socket));
    server.on("upgrade", (request, socket, head) => {
      if (isOpen) return tunnel(request, socket, head);
      blocked += 1;
      if (webSockets === "held") waiting.push(() => tunnel(request, socket, head));
      else socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    stops.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return {
      url: await listen(server, { host: "127.0.0.1", port: 0 }),
      blocked: () => blocked,
      letThrough() {
        isOpen = true;
        for (const pass of waiting.splice(0)) pass();
      },
    };

    function tunnel({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer) {
      const far = connect(Number(port), hostname);
      const end = () => [far, socket].forEach((side) => void side.destroy());
      for (const side of [far, socket]) side.on("error", end).on("close", end);
      const lines = rawHeaders.map((text, n) => (n % 2 === 0 ? `\r\n${text}: ` : text));
      far.write(`${method} ${url} HTTP/1.1${lines.join("")}\r\n\r\n`);
      far.write(head);
      socket.pipe(far).pipe(socket);
    }
  };
}
