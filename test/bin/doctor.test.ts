import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { checkEndpoint } from "../../bin/doctor/endpoint.ts";
import { readOptions } from "../../bin/doctor/options.ts";
import { createReport } from "../../bin/doctor/report.ts";
import { emptyUpstream } from "../support/upstream.ts";

const servers: Server[] = [];
const stopped = await emptyUpstream();
stopped.stop();
afterAll(() => {
  for (const server of servers) server.close();
});

/** A server of the test's own, by its address. */
async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the doctor says of an address, without a token. */
async function linesAbout(url: string): Promise<readonly string[]> {
  const lines: string[] = [];
  await checkEndpoint(
    { url, token: "", wait: 0 },
    createReport((line) => lines.push(line)),
  );
  return lines;
}

test.each<readonly [string, string | RequestListener, RegExp]>([
  ["is not there", stopped.url, /nothing listens there \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)$/],
  ["has no address", "http://nowhere.invalid", /there is no such host \(getaddrinfo \w+ nowhere/],
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
    "is the API's own",
    (_, response) => response.writeHead(403).end('{"message":"Forbidden"}'),
    /HTTP 403 .* \(API Gateway's own address takes --path \/live\)$/,
  ],
  ["hangs up", (request) => request.socket.destroy(), /it broke the connection off/],
])("an endpoint that %s is named so, and asked no more", async (_, endpoint, message) => {
  const url = typeof endpoint === "string" ? endpoint : await serving(endpoint);

  expect(await linesAbout(url)).toEqual([expect.stringMatching(message)]);
});

test("an upgrade that is refused is told with its status", async () => {
  const url = await serving((_, response) => response.end("Transport unknown"));

  expect(await linesAbout(url)).toContain(
    "✗  a wrong token is refused: it was answered: websocket error: Unexpected server response: 200",
  );
});

test.each([
  [["--url", "example.org"], '--url takes a URL like https://example.org, not "example.org".'],
  [
    ["--url", "https://example.org/live"],
    '--url takes a URL like https://example.org, not "https://example.org/live".',
  ],
  [["--path", "live"], '--path takes a path like /live, not "live".'],
  [["--wait", "soon"], '--wait takes a number from 0 to 3600, not "soon".'],
  [["--wait", ""], '--wait takes a number from 0 to 3600, not "".'],
  [["-c", "edge"], '-c takes NAME=VALUE, not "edge".'],
  [["now"], "Unexpected argument 'now'. This command does not take positional arguments"],
])("refuses %j in one sentence", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});
