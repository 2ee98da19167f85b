import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { createEdge } from "../../local/edge.ts";
import { deployPerTest, httpApi } from "../support/deployment.ts";
import { openWebSocket } from "../support/websocket.ts";

const REQUEST = {
  method: "GET",
  url: "/socket.io/?a=%41&a=2&__proto__=1",
  rawHeaders: [
    ...["Host", "edge.example", "Upgrade", "websocket", "Sec-WebSocket-Key", "a2V5"],
    ...["Cookie", "a=1; b=2", "X-Own", "1"],
  ],
  socket: { remoteAddress: "192.0.2.1" },
} as IncomingMessage;

/** The result of a request with this body of the edge function. */
const under = (body: string) => createEdge(`function handler(event) { ${body} }`)(REQUEST);

describe("the edge function of this machine", () => {
  test("sees the request as CloudFront passes it: without upgrade headers, with separate cookies, nothing decoded", () => {
    const { body } = under("return { statusCode: 400, body: JSON.stringify(event) };") as {
      body: string;
    };

    expect(JSON.parse(body)).toEqual({
      version: "1.0",
      context: { eventType: "viewer-request" },
      viewer: { ip: "192.0.2.1" },
      request: {
        method: "GET",
        uri: "/socket.io/",
        querystring: {
          a: { value: "%41", multiValue: [{ value: "%41" }, { value: "2" }] },
          ["__proto__"]: { value: "1" },
        },
        headers: { host: { value: "edge.example" }, "x-own": { value: "1" } },
        cookies: { a: { value: "1" }, b: { value: "2" } },
      },
    });
  });

  test("forwards what it returns, with CloudFront's own headers and upper case", () => {
    const originRequest = under(
      'event.request.headers["x-more"] = { value: "2" }; return event.request;',
    );

    expect(originRequest).toMatchObject({
      path: "/socket.io/",
      headers: {
        ...{ "X-Own": ["1"], "X-More": ["2"], Cookie: ["a=1; b=2"] },
        ...{ Upgrade: ["websocket"], "Sec-Websocket-Key": ["a2V5"] },
      },
    });
    expect(originRequest.headers).not.toHaveProperty("Host");
  });

  test.each([
    ["changes the host", 'event.request.headers.host.value = "other"; return event.request;'],
    ["deletes the host", "delete event.request.headers.host; return event.request;"],
    [
      "adds a hidden header",
      'event.request.headers.upgrade = { value: "h2c" }; return event.request;',
    ],
    [
      "names a header in capitals",
      'event.request.headers["X-A"] = { value: "1" }; return event.request;',
    ],
    ["changes the method", 'event.request.method = "POST"; return event.request;'],
    ["returns an invalid path", 'event.request.uri = "live"; return event.request;'],
    ["returns nothing", "return {};"],
  ])("is answered 502 if it %s", (_, body) => {
    expect(under(body)).toMatchObject({ status: 502 });
  });

  test.each([
    ["throws", 'throw new Error("no");'],
    ["evaluates a string as code", 'return eval("event.request");'],
    ["uses an undeclared variable", "request = event.request; return request;"],
  ])("is answered 503 if it %s", (_, body) => {
    expect(under(body)).toMatchObject({ status: 503 });
  });
});

const start = deployPerTest();

test("$connect receives an upgrade at /socket.io/ as the edge function has rewritten it", async () => {
  const Edge = {
    Type: "AWS::CloudFront::Function",
    Properties: {
      FunctionCode: `function handler(event) {
        event.request.uri = "/live";
        event.request.querystring = { EIO: event.request.querystring.EIO };
        delete event.request.headers["x-own"];
        return event.request;
      }`,
    },
  };
  const deployment = await start(
    `export const handler = async (event) => {
      console.log(JSON.stringify(event));
      return { statusCode: 200 };
    };`,
    { resources: { Edge } },
  );

  const url = deployment.stack.url.replace("http", "ws");
  await openWebSocket(`${url}/socket.io/?EIO=4&t=x`, { "x-own": "1", "x-other": "2" });

  const { headers, queryStringParameters, requestContext } = JSON.parse(deployment.logged[0] ?? "");
  expect(queryStringParameters).toEqual({ EIO: "4" });
  expect(headers).toMatchObject({ "X-Other": "2", Upgrade: "websocket" });
  expect(headers).not.toHaveProperty("X-Own");
  expect(requestContext.identity.userAgent).toBe("Amazon CloudFront");
});

describe("an edge function that chooses another origin", () => {
  const CHOOSING = `import cf from 'cloudfront';
    function handler(event) {
      const { origin } = event.request.querystring;
      if (origin) cf.selectRequestOriginById(origin.value);
      if (event.request.uri === "/socket.io/") event.request.uri = "/polling";
      return event.request;
    }`;
  const behaviour = (TargetOriginId: string, properties: object = {}) => ({
    TargetOriginId,
    ...properties,
  });
  const origin = (Id: string, api: string) => ({
    Id,
    DomainName: { "Fn::Join": ["", [{ Ref: api }, ".execute-api.us-east-1.amazonaws.com"]] },
  });
  const resources = {
    Edge: { Type: "AWS::CloudFront::Function", Properties: { FunctionCode: CHOOSING } },
    Distribution: {
      Type: "AWS::CloudFront::Distribution",
      Properties: {
        DistributionConfig: {
          DefaultCacheBehavior: behaviour("sockets", { AllowedMethods: ["GET", "POST"] }),
          CacheBehaviors: [
            behaviour("polling", { PathPattern: "/of-the-edge", FunctionAssociations: [{}] }),
          ],
          Origins: [origin("sockets", "Api"), origin("polling", "Http"), origin("unused", "Http")],
        },
      },
    },
    ...httpApi("GET /polling", "GET /of-the-edge"),
  };
  const ECHO =
    "export const handler = async ({ rawPath }) => ({ statusCode: 200, body: rawPath });";

  test("forwards a request to the API behind it, with the path that it has written", async () => {
    const { stack } = await start(ECHO, { resources });
    const ask = (id: string) => fetch(`${stack.url}/socket.io/?origin=${id}`);

    expect(await (await ask("polling")).text()).toBe("/polling");
    expect((await ask("sockets")).status).toBe(403);
    expect((await fetch(`${stack.url}/socket.io/`)).status).toBe(403);
  });

  test("is answered 404 by an API that has no such route", async () => {
    const { stack } = await start(ECHO, { resources });

    const response = await fetch(`${stack.url}/socket.io/?origin=polling`, { method: "POST" });

    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: "Not Found" });
  });

  test("is not asked about methods that the distribution does not let through", async () => {
    const { stack } = await start(ECHO, { resources });

    const response = await fetch(`${stack.url}/socket.io/?origin=polling`, { method: "PUT" });

    expect(response.status).toBe(403);
    expect(await response.text()).toContain("not configured to allow the HTTP request method");
  });

  test("is asked about the paths of other behaviours that it belongs to, too", async () => {
    const { stack } = await start(ECHO, { resources });
    const ask = (path: string) => fetch(`${stack.url}${path}`);

    expect(await (await ask("/of-the-edge?origin=polling")).text()).toBe("/of-the-edge");
    expect((await ask("/of-the-edge")).status).toBe(403);
    expect(await (await ask("/polling")).text()).toBe("/polling");
  });

  test.each(["unused", "unknown"])("is answered 502 if no behaviour uses %s", async (id) => {
    const { stack } = await start(ECHO, { resources });

    expect((await fetch(`${stack.url}/socket.io/?origin=${id}`)).status).toBe(502);
  });

  test("needs the import to select an origin", () => {
    expect(
      under("cloudfront.selectRequestOriginById('polling'); return event.request;"),
    ).toMatchObject({
      status: 503,
    });
  });
});
