import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import { transformSync } from "esbuild";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEdge, type EdgeAnswer, type OriginRequest } from "../../local/edge.ts";

const code = readFileSync("lib/edge-function.js", "utf8");
const edge = createEdge(code);
const results: (EdgeAnswer | OriginRequest)[] = [];
const viewers = createServer((request, response) => {
  results.push(edge(request));
  response.end();
});
/** What a fleet would run instead, with the one transport that there is here. */
const fleet = createServer();
const io = new Server(fleet, { transports: ["websocket"] });
beforeAll(async () => {
  for (const server of [viewers, fleet])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  viewers.close();
  await io.close();
});

const UPGRADE = { "Sec-WebSocket-Key": "a2V5", "Sec-WebSocket-Version": "13" };

function ask(
  server: typeof viewers,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const answered = (answer: IncomingMessage) => {
      let body = "";
      answer.on("data", (text) => (body += text)).on("end", () => resolve(body));
    };
    send({ port, path, method, headers }, answered).end();
  });
}

/** What the edge makes of an upgrade at this path. */
async function at(path: string, headers: Record<string, string> = {}) {
  await ask(viewers, path, { headers: { ...UPGRADE, ...headers } });
  return results.at(-1);
}

describe("the edge", () => {
  test.each(["/socket.io/", "/socket.io"])("leads %s to the stage", async (path) => {
    expect(await at(`${path}?EIO=4&transport=websocket`)).toMatchObject({ path: "/live" });
  });

  test("hands on what an upgrade needs and the server reads, and nothing else", async () => {
    const { query, headers } = (await at(
      "/socket.io/?EIO=4&transport=websocket&token=a.b&t=x&__proto__=1",
      {
        Authorization: "Bearer a.b",
        Origin: "https://app.example.org",
        Cookie: "session=secret",
        "Accept-Language": "en",
        "X-Forwarded-For": "10.0.0.1",
        "Sec-WebSocket-Protocol": "chat",
      },
    )) as OriginRequest;

    expect(String(query)).toBe("EIO=4&transport=websocket&token=a.b");
    expect(headers).toEqual({
      Authorization: ["Bearer a.b"],
      Origin: ["https://app.example.org"],
      "Sec-Websocket-Key": ["a2V5"],
      "Sec-Websocket-Version": ["13"],
      "Sec-Websocket-Protocol": ["chat"],
      Connection: ["Upgrade"],
      Upgrade: ["websocket"],
      "User-Agent": ["Amazon CloudFront"],
    });
  });

  test.each([
    ["GET", "/socket.io/?EIO=4"],
    ["GET", "/socket.io/?EIO=4&transport=polling"],
    ["GET", "/socket.io/?EIO=4&transport=websocket&sid=unknown"],
    ["HEAD", "/socket.io/?EIO=4&transport=websocket"],
    ["PUT", "/socket.io/?EIO=4&transport=websocket"],
  ])("refuses %s %s, which is no upgrade, as a Socket.IO server does", async (method, path) => {
    const expected = await ask(fleet, path, { method });

    await ask(viewers, path, { method });

    const { status, body } = results.at(-1) as EdgeAnswer;
    expect(status).toBe(400);
    if (method !== "HEAD") expect(JSON.parse(body)).toMatchObject(JSON.parse(expected));
  });

  test.each([
    ["/?EIO=4&transport=websocket", 404, { code: 3, message: "Bad request" }],
    ["/live?EIO=4&transport=websocket", 404, { code: 3 }],
    ["/socket.io/../live?EIO=4", 404, { code: 3 }],
    ["/socket.io/?EIO=3&transport=websocket", 400, { code: 5 }],
    ["/socket.io/?transport=websocket", 400, { code: 5, message: "Unsupported protocol version" }],
    ["/socket.io/?EIO=4&transport=websocket&sid=a", 400, { code: 1 }],
  ])("refuses an upgrade at %s with %i", async (path, status, body) => {
    const result = (await at(path)) as EdgeAnswer;

    expect(result).toMatchObject({ status, headers: { "content-type": "application/json" } });
    expect(JSON.parse(result.body)).toMatchObject(body);
  });

  test("tells a developer whose client polls to use websocket", async () => {
    const { body } = (await at("/socket.io/?EIO=4&transport=polling")) as EdgeAnswer;

    expect(JSON.parse(body).hint).toContain('transports: ["websocket"]');
  });
});

test.each([
  ["shown", { "sec-websocket-key": { value: "a2V5" }, "sec-websocket-version": { value: "13" } }],
  ["hidden", {}],
])("an upgrade passes with the headers of its handshake %s, and with them whole", (_, headers) => {
  const request = {
    ...{ method: "GET", uri: "/socket.io/", cookies: {} },
    querystring: { EIO: { value: "4" }, transport: { value: "websocket" } },
    headers: { ...headers, host: { value: "edge.example" } },
  };
  const source = `${code};JSON.stringify(handler(${JSON.stringify({ request })}))`;

  expect(JSON.parse(runInNewContext(source))).toEqual({ ...request, uri: "/live" });
});

describe("an origin", () => {
  const originAfter = async (origin: string, host: string) =>
    ((await at("/socket.io/?EIO=4&transport=websocket", { origin, host })) as OriginRequest).headers
      .Origin;

  test.each([
    ["https://edge.example", "edge.example"],
    ["wss://Edge.example", "edge.example:443"],
    ["https://edge.example:443", "edge.example"],
    ["http://127.0.0.1:3000", "127.0.0.1:3000"],
  ])(
    "%s, which is the host %s itself, is what native clients say and no page's",
    async (origin, host) => {
      expect(await originAfter(origin, host)).toBeUndefined();
    },
  );

  test.each([
    ["https://edge.example.evil.example", "edge.example"],
    ["https://evil.example", "edge.example"],
    ["https://edge.example:8443", "edge.example"],
    ["https://evil.example/https://edge.example", "edge.example"],
    ["null", "edge.example"],
  ])("%s, which is not the host %s, is passed on", async (origin, host) => {
    expect(await originAfter(origin, host)).toEqual([origin]);
  });
});

describe("its code keeps to CloudFront's runtime", () => {
  test("in its size of 10 KB", () => {
    expect(Buffer.byteLength(code)).toBeLessThan(10 * 1024);
  });

  test("in its language: ECMAScript 5.1, and const, let, arrow functions and templates", () => {
    const supported = { "const-and-let": true, arrow: true, "template-literal": true };

    const lowered = transformSync(code, { target: "es5", supported });

    const asWritten = { target: "esnext", supported: { "object-extensions": false } };
    expect(lowered.code).toBe(transformSync(code, asWritten).code);
  });

  test("in what it calls: no modules, timers or network", () => {
    expect(code.replaceAll(/^\/\/.*$/gm, "")).not.toMatch(
      /\b(import|require|export|fetch|setTimeout|setInterval|eval|Function)\b\s*[({]/,
    );
    expect(code).toMatch(/^function handler\(event\)/m);
  });
});
