import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type ServerOptions, Server as SocketServer } from "socket.io";
import { afterAll, describe, expect, test } from "vitest";
import { checkEndpoint } from "../../bin/doctor/endpoint.ts";
import { readOptions } from "../../bin/doctor/options.ts";
import { createReport } from "../../bin/doctor/report.ts";
import { signToken } from "../../client/token.ts";
import { emptyUpstream } from "../support/upstream.ts";

const servers: Server[] = [];
const stopped = await emptyUpstream();
stopped.stop();
afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/** Starts a server with this handler, and returns its URL. */
async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a Socket.IO server that does what the doctor asks for, and returns its URL. */
async function servingSockets(options: Partial<ServerOptions> = {}): Promise<string> {
  const url = await serving((_, response) => response.writeHead(404).end());
  const io = new SocketServer(servers.at(-1), options);
  io.use(({ handshake }, next) =>
    next(handshake.auth.token === "wrong" ? new Error("Authentication error") : undefined),
  );
  io.on("connection", (socket) =>
    socket.onAny((event: string, ...args) => {
      if (event === "custom:message") socket.emit(event, args[0]);
      args.at(-1)(event === "doctor:unknown" ? { error: "unknown_event" } : {});
    }),
  );
  return url;
}

/** The lines that the doctor prints about a URL, by default without a token. */
async function linesAbout(url: string, token = ""): Promise<readonly string[]> {
  const lines: string[] = [];
  await checkEndpoint(
    { url, token, wait: 0 },
    createReport((line) => lines.push(line)),
  );
  return lines;
}

test.each<readonly [string, string | RequestListener, RegExp]>([
  [
    "is not running",
    stopped.url,
    /no server listens there \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)$/,
  ],
  [
    "has an unknown host",
    "http://nowhere.invalid",
    /the host does not exist \(getaddrinfo \w+ nowhere/,
  ],
  [
    "is another server",
    (_, response) => response.end("{}"),
    /HTTP 200 at \/socket\.io\/, which is/,
  ],
  [
    "redirects",
    (_, response) => response.writeHead(301, { location: "https://x/" }).end(),
    /HTTP 301, a redirect to https:\/\/x\/, which no client follows$/,
  ],
  [
    "is the API's own address",
    (_, response) => response.writeHead(403).end('{"message":"Forbidden"}'),
    /HTTP 403 .* \(API Gateway's own address needs --path \/live\)$/,
  ],
  [
    "closes the connection",
    (request) => request.socket.destroy(),
    /the server closed the connection/,
  ],
])(
  "an endpoint that %s fails the first check, and the others are skipped",
  async (_, endpoint, message) => {
    const url = typeof endpoint === "string" ? endpoint : await serving(endpoint);

    expect(await linesAbout(url)).toEqual([expect.stringMatching(message)]);
  },
);

describe("long polling", () => {
  const aboutPolling = (lines: readonly string[]) => lines.filter((line) => /polling/.test(line));

  test("is checked where it is served, with its upgrade if there is a token", async () => {
    const url = await servingSockets();

    expect(aboutPolling(await linesAbout(url))).toEqual([
      "✓  a wrong token is refused by long polling: Authentication error",
    ]);
    const token = await signToken({ sub: "ann", org: "acme", projects: [] }, "a".repeat(32));
    expect(aboutPolling(await linesAbout(url, token))).toContainEqual(
      expect.stringMatching(/^✓ {2}long polling is upgraded to WebSocket: after \d+ ms$/),
    );
  });

  test("is skipped where it is not", async () => {
    const url = await servingSockets({ transports: ["websocket"] });

    expect(aboutPolling(await linesAbout(url))).toEqual([
      "–  long polling: there is none at this address",
    ]);
  });

  test("that fails is reported with its status and answer", async () => {
    const url = await serving(({ url: path = "" }, response) => {
      if (path.includes("EIO=3")) response.end("Unsupported protocol version");
      else response.writeHead(503).end('{"message":"Service Unavailable"}');
    });

    expect(aboutPolling(await linesAbout(url))).toEqual([
      '✗  a wrong token is refused by long polling: the answer was: xhr poll error: HTTP 503 {"message":"Service Unavailable"}',
    ]);
  });
});

test("a refused upgrade is reported with its status", async () => {
  const url = await serving((_, response) => response.end("Transport unknown"));

  expect(await linesAbout(url)).toContain(
    "✗  a wrong token is refused: the answer was: websocket error: Unexpected server response: 200",
  );
});

test.each([
  [["--url", "example.org"], '--url must be a URL like https://example.org, not "example.org".'],
  [
    ["--url", "https://example.org/live"],
    '--url must be a URL like https://example.org, not "https://example.org/live".',
  ],
  [["--path", "live"], '--path must be a path like /live, not "live".'],
  [["--wait", "soon"], '--wait must be a number from 0 to 3600, not "soon".'],
  [["--wait", ""], '--wait must be a number from 0 to 3600, not "".'],
  [["-c", "edge"], '-c must be NAME=VALUE, not "edge".'],
  [["now"], "Unexpected argument 'now'. This command does not take positional arguments"],
])("refuses %j in one sentence", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
