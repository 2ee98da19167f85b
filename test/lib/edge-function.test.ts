import { createServer, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import { transformSync } from "esbuild";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeCodeFor } from "../../lib/edge.ts";
import { TRANSPORTS, type Transport } from "../../lib/transports.ts";
import { createEdge, type EdgeAnswer, type OriginRequest } from "../../local/edge.ts";

type Result = EdgeAnswer | OriginRequest;

/** A distribution with these transports, and what a fleet with the same would run instead. */
function deploymentOf(transports: readonly Transport[]) {
  const edge = createEdge(edgeCodeFor(transports), new Map([["polling", "PollingApi"]]));
  const results: Result[] = [];
  const viewers = createServer((request, response) => {
    results.push(edge(request));
    response.end();
  });
  const fleet = createServer();
  const io = new Server(fleet, { transports: [...transports] });
  beforeAll(async () => {
    for (const server of [viewers, fleet])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    viewers.close();
    await io.close();
  });
  return {
    fleet,
    /** What the edge makes of a request. */
    async request(path: string, options: Asked = {}): Promise<Result | undefined> {
      await ask(viewers, path, options);
      return results.at(-1);
    },
  };
}

const alone = deploymentOf(["websocket"]);
const both = deploymentOf(TRANSPORTS);

const UPGRADE = { "Sec-WebSocket-Key": "a2V5", "Sec-WebSocket-Version": "13" };

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function ask(
  server: typeof alone.fleet,
  path: string,
  { method = "GET", headers = {} }: Asked,
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
const upgrade = (
  deployment: typeof alone,
  path: string,
  headers: Record<string, string> = {},
): Promise<Result | undefined> => deployment.request(path, { headers: { ...UPGRADE, ...headers } });

describe.each([
  ["with WebSocket alone", alone],
  ["with polling", both],
])("the edge %s", (_, deployment) => {
  const at = (path: string, headers?: Record<string, string>) => upgrade(deployment, path, headers);

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
    ["GET", "/socket.io/?EIO=4&transport=webtransport"],
    ["HEAD", "/socket.io/?EIO=4&transport=websocket"],
    ["PUT", "/socket.io/?EIO=4&transport=websocket"],
  ])("refuses %s %s, which is no upgrade, as a Socket.IO server does", async (method, path) => {
    const expected = await ask(deployment.fleet, path, { method });

    const { status, body } = (await deployment.request(path, { method })) as EdgeAnswer;

    expect(status).toBe(400);
    if (method !== "HEAD") expect(JSON.parse(body)).toMatchObject(JSON.parse(expected));
  });

  test.each([
    ["/?EIO=4&transport=websocket", 404, { code: 3, message: "Bad request" }],
    ["/live?EIO=4&transport=websocket", 404, { code: 3 }],
    ["/polling?EIO=4&transport=polling", 404, { code: 3 }],
    ["/socket.io/../live?EIO=4", 404, { code: 3 }],
    ["/socket.io/?EIO=3&transport=websocket", 400, { code: 5 }],
    ["/socket.io/?transport=websocket", 400, { code: 5, message: "Unsupported protocol version" }],
  ])("refuses an upgrade at %s with %i", async (path, status, body) => {
    const result = (await at(path)) as EdgeAnswer;

    expect(result).toMatchObject({ status, headers: { "content-type": "application/json" } });
    expect(JSON.parse(result.body)).toMatchObject(body);
  });

  test("lets the page that asked read a refusal, with credentials", async () => {
    const { headers } = (await at("/socket.io/?EIO=4", {
      origin: "https://app.example.org",
    })) as EdgeAnswer;

    expect(headers).toEqual({
      "content-type": "application/json",
      "access-control-allow-origin": "https://app.example.org",
      "access-control-allow-credentials": "true",
      vary: "Origin",
    });
    expect(((await at("/socket.io/?EIO=4")) as EdgeAnswer).headers).toEqual({
      "content-type": "application/json",
      vary: "Origin",
    });
  });
});

describe("the edge without polling", () => {
  test.each([
    ["GET", "/socket.io/?EIO=4&transport=polling", { code: 0, message: "Transport unknown" }],
    ["POST", "/socket.io/?EIO=4&transport=polling&sid=a", { code: 0 }],
    ["OPTIONS", "/socket.io/?EIO=4&transport=polling", { code: 0 }],
    ["GET", "/socket.io/?EIO=4&transport=websocket&sid=a", { code: 1 }],
  ])("refuses %s %s with the body of an Engine.IO server", async (method, path, body) => {
    const result = (await alone.request(path, { method })) as EdgeAnswer;

    expect(result.status).toBe(400);
    expect(JSON.parse(result.body)).toMatchObject(body);
  });

  test("tells a developer whose client polls to use websocket", async () => {
    const { body } = (await alone.request("/socket.io/?EIO=4&transport=polling")) as EdgeAnswer;

    expect(JSON.parse(body).hint).toContain('transports: ["websocket"]');
  });
});

describe("the edge with polling", () => {
  const POLLING = "/socket.io/?EIO=4&transport=polling";

  test.each([
    ["GET", POLLING],
    ["GET", `${POLLING}&sid=a`],
    ["POST", `${POLLING}&sid=a`],
    ["OPTIONS", `${POLLING}&sid=a`],
    ["OPTIONS", POLLING],
    // What follows it is refused, and the page can then read why.
    ["OPTIONS", "/socket.io/?EIO=3&transport=polling"],
    ["GET", "/socket.io?EIO=4&transport=polling"],
  ])("leads %s %s to the HTTP API of long polling", async (method, path) => {
    expect(await both.request(path, { method })).toMatchObject({
      ...{ apiId: "PollingApi", path: "/polling" },
    });
  });

  test("passes on what polling needs and the server reads, and nothing else", async () => {
    const { rawQuery, headers } = (await both.request(
      `${POLLING}&sid=a&t=Pq1&b64=1&token=a.b&__proto__=1`,
      {
        method: "POST",
        headers: {
          Authorization: "Bearer a.b",
          Origin: "https://app.example.org",
          Cookie: "session=secret",
          "Content-Type": "text/plain;charset=UTF-8",
          "Content-Length": "0",
          "Access-Control-Request-Headers": "authorization",
          "Access-Control-Request-Method": "POST",
          "Accept-Language": "en",
          "Sec-Fetch-Mode": "cors",
        },
      },
    )) as OriginRequest;

    expect(rawQuery).toBe("EIO=4&transport=polling&sid=a&t=Pq1&token=a.b");
    expect(headers).toEqual({
      Authorization: ["Bearer a.b"],
      Origin: ["https://app.example.org"],
      "Content-Type": ["text/plain;charset=UTF-8"],
      "Content-Length": ["0"],
      "Access-Control-Request-Headers": ["authorization"],
      "Access-Control-Request-Method": ["POST"],
      "User-Agent": ["Amazon CloudFront"],
    });
  });

  test("drops the origin of a native client, which is the server itself", async () => {
    const headers = { host: "edge.example", origin: "https://edge.example" };

    expect((await both.request(POLLING, { headers }))?.headers).not.toHaveProperty("Origin");
  });

  test("leads an upgrade of a session to the stage, with the session's id", async () => {
    const path = "/socket.io/?EIO=4&transport=websocket&sid=a&t=Pq1";

    const result = (await upgrade(both, path)) as OriginRequest;

    expect(result).toMatchObject({ path: "/live", rawQuery: "EIO=4&transport=websocket&sid=a" });
    expect(result.apiId).toBeUndefined();
  });

  test("refuses a POST without a session as a Socket.IO server does", async () => {
    const expected = await ask(both.fleet, POLLING, { method: "POST" });

    const { status, body } = (await both.request(POLLING, { method: "POST" })) as EdgeAnswer;

    expect(status).toBe(400);
    expect(JSON.parse(body)).toEqual(JSON.parse(expected));
    expect(JSON.parse(body)).toEqual({ code: 2, message: "Bad handshake method" });
  });

  test.each([
    ["PUT", `${POLLING}&sid=a`, 2],
    ["HEAD", POLLING, 2],
    ["DELETE", POLLING, 2],
    ["GET", "/socket.io/?EIO=3&transport=polling", 5],
    ["POST", "/socket.io/?transport=polling&sid=a", 5],
    ["OPTIONS", "/socket.io/?EIO=4&transport=websocket&sid=a", 2],
  ])("refuses %s %s with the code %i", async (method, path, code) => {
    const { status, body } = (await both.request(path, { method })) as EdgeAnswer;

    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code });
  });

  test("gives no hint about an unknown transport", async () => {
    const { body } = (await both.request("/socket.io/?EIO=4")) as EdgeAnswer;

    expect(JSON.parse(body)).toEqual({ code: 0, message: "Transport unknown" });
  });
});

/** The code for both transports as a script: only modules have imports. */
const code = edgeCodeFor(TRANSPORTS);
const script = code.replace(/^import .*\n/, "");

test.each([
  ["shown", { "sec-websocket-key": { value: "a2V5" }, "sec-websocket-version": { value: "13" } }],
  ["hidden", {}],
])("an upgrade passes with the headers of its handshake %s, and with them whole", (_, headers) => {
  const request = {
    ...{ method: "GET", uri: "/socket.io/", cookies: {} },
    querystring: { EIO: { value: "4" }, transport: { value: "websocket" } },
    headers: { ...headers, host: { value: "edge.example" } },
  };
  const source = `${script};JSON.stringify(handler(${JSON.stringify({ request })}))`;

  expect(JSON.parse(runInNewContext(source))).toEqual({ ...request, uri: "/live" });
});

describe("an origin", () => {
  const originAfter = async (origin: string, host: string) =>
    (await upgrade(both, "/socket.io/?EIO=4&transport=websocket", { origin, host }))?.headers
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

  test("in its first line, which imports the one module there is", () => {
    expect(code).toMatch(/^import cf from "cloudfront";\n/);
    expect(script).not.toContain("import");
  });

  test("in what it calls: no other modules, timers or network", () => {
    expect(code.replaceAll(/^\/\/.*$/gm, "")).not.toMatch(
      /\b(import|require|export|fetch|setTimeout|setInterval|eval|Function)\b\s*[({]/,
    );
    expect(code).toMatch(/^function handler\(event\)/m);
  });
});
