import { describe, expect, test } from "vitest";
import {
  type Deployment,
  deploy,
  deployPerTest,
  httpApi,
  template,
} from "../support/deployment.ts";
import { gatePerTest } from "../support/gate.ts";
import { rawRequest } from "../support/raw-request.ts";
import { until } from "../support/until.ts";

const start = deployPerTest();
const newGate = gatePerTest();

const { Function: ours } = template().Resources;
/** The function with these properties, behind these routes. */
const behind = (routes: readonly string[], properties: object = {}) => ({
  ...httpApi(...routes),
  Function: { ...ours, Properties: { ...ours.Properties, Timeout: 10, ...properties } },
});

const LOGGING = `export const handler = async (event) => {
  console.log(JSON.stringify(event));
  return { statusCode: 200 };
};`;
/** Waits until a gate is open. */
const WAITING = `export const handler = async ({ queryStringParameters: { gate } }) => {
  await fetch(gate);
  console.log("passed");
  return { statusCode: 200, body: "passed" };
};`;

const eventIn = ({ logged }: Deployment) => JSON.parse(logged.at(-1) ?? "");

describe("the event of a request", () => {
  test("has the fields of format 2.0", async () => {
    const deployment = await start(LOGGING, { resources: behind(["GET /items/{name}"]) });

    await rawRequest(
      deployment.stack.url,
      [
        "GET /items/a%20b?EIO=4&a=1&a=%32 HTTP/1.1",
        ...["Host: x", "X-Own: 1", "x-own: 2", "User-Agent: test", "Cookie: a=1; b=2"],
        ...["", ""],
      ].join("\r\n"),
    );

    expect(eventIn(deployment)).toEqual({
      version: "2.0",
      routeKey: "GET /items/{name}",
      rawPath: "/items/a%20b",
      rawQueryString: "EIO=4&a=1&a=%32",
      cookies: ["a=1", "b=2"],
      headers: {
        host: "Http.execute-api.us-east-1.amazonaws.com",
        "user-agent": "test",
        "x-own": "1,2",
        ...{ "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "443" },
        "x-forwarded-proto": "https",
      },
      queryStringParameters: { EIO: "4", a: "1,2" },
      pathParameters: { name: "a b" },
      requestContext: {
        accountId: "000000000000",
        apiId: "Http",
        domainName: "Http.execute-api.us-east-1.amazonaws.com",
        domainPrefix: "Http",
        http: {
          ...{ method: "GET", path: "/items/a%20b", protocol: "HTTP/1.1" },
          ...{ sourceIp: "127.0.0.1", userAgent: "test" },
        },
        requestId: expect.stringMatching(/^[\w-]{5}e[\w-]{9}=$/),
        routeKey: "GET /items/{name}",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
    });
  });

  test("lacks what the request lacks", async () => {
    const deployment = await start(LOGGING, { resources: behind(["GET /items"]) });

    await fetch(`${deployment.stack.url}/items`);

    const event = eventIn(deployment);
    expect(event).toMatchObject({ rawQueryString: "", isBase64Encoded: false });
    for (const field of ["cookies", "queryStringParameters", "pathParameters", "body"])
      expect(event).not.toHaveProperty(field);
  });

  test.each([
    ["text/plain;charset=UTF-8", true],
    ["application/json", true],
    ["application/problem+json; charset=utf-8", true],
    ["application/octet-stream", false],
    ["application/x-www-form-urlencoded", false],
    [undefined, false],
  ])("with a body of the type %s has it as text: %s", async (type, isText) => {
    const deployment = await start(LOGGING, { resources: behind(["POST /items"]) });
    const body = Buffer.from("4é");

    await fetch(`${deployment.stack.url}/items`, {
      ...{ method: "POST", body },
      headers: type === undefined ? {} : { "content-type": type },
    });

    expect(eventIn(deployment)).toMatchObject({
      body: isText ? "4é" : body.toString("base64"),
      isBase64Encoded: !isText,
    });
  });
});

describe("the answer to a request", () => {
  const asked = async (returned: string) => {
    const resources = behind(["GET /items"]);
    const { stack } = await start(`export const handler = async () => ${returned};`, { resources });
    const response = await fetch(`${stack.url}/items`);
    const body = await response.text();
    return { status: response.status, headers: response.headers, body };
  };

  test("has the headers, the cookies and the body that the function returns", async () => {
    const body = Buffer.from([0, 255]).toString("base64");

    const answer = await asked(`({ statusCode: 201, headers: { "x-own": "1" },
      cookies: ["a=1", "b=2"], body: "${Buffer.from("4é").toString("base64")}", isBase64Encoded: true })`);

    expect(answer).toMatchObject({ status: 201, body: "4é" });
    expect(answer.headers.get("x-own")).toBe("1");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await asked(`({ statusCode: 200, body: "${body}" })`)).toMatchObject({ body });
  });

  test.each([
    ["({ a: 1 })", '{"a":1}'],
    ['"text"', "text"],
    ["[]", "[]"],
  ])("is %s itself if that has no status", async (returned, body) => {
    const answer = await asked(returned);

    expect(answer).toMatchObject({ status: 200, body });
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  test.each([
    "null",
    "undefined",
    "7",
    "({ statusCode: 1 })",
    '({ statusCode: "ok" })',
    "({ statusCode: 200, headers: { a: 1 } })",
    "Promise.reject(new Error('no'))",
  ])("is 500 if the function returns %s", async (returned) => {
    expect(await asked(returned)).toMatchObject({
      ...{ status: 500, body: '{"message":"Internal Server Error"}' },
    });
  });

  test("is 503 if the function takes longer than API Gateway waits, and the function goes on", async () => {
    const gate = await newGate();
    const deployment = await start(WAITING, {
      ...{ resources: behind(["GET /items"]), httpTimeout: 100 },
    });

    const response = await fetch(`${deployment.stack.url}/items?gate=${gate.url}`);

    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: "Service Unavailable" });
    gate.open();
    await until(() => deployment.logged.includes("passed"));
  });

  test("is 500 if the function takes longer than it may", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, { resources: behind(["GET /items"], { Timeout: 0.1 }) });

    expect((await fetch(`${stack.url}/items?gate=${gate.url}`)).status).toBe(500);
  });

  test("is 503 if as many executions run as are reserved", async () => {
    const gate = await newGate();
    const resources = behind(["GET /items", "POST /items"], { ReservedConcurrentExecutions: 2 });
    const { stack } = await start(WAITING, { resources });
    const ask = (method = "GET") => fetch(`${stack.url}/items?gate=${gate.url}`, { method });

    const held = [ask(), ask()];
    await gate.arrived(2);

    for (const method of ["GET", "POST"]) expect((await ask(method)).status).toBe(503);
    gate.open();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await ask()).status).toBe(200);
  });
});

describe("a GET that is held", () => {
  const resources = behind(["GET /items", "POST /items"]);

  test("leaves room for others beyond the concurrency of other functions", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, { resources, concurrency: 1 });
    const ask = (method: string) => fetch(`${stack.url}/items?gate=${gate.url}`, { method });

    const asked = ["GET", "GET", "GET", "POST"].map(ask);
    await gate.arrived(4);
    gate.open();

    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
  });

  test("is not pending work, as a POST is", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, { resources });
    const ask = (method: string) => fetch(`${stack.url}/items?gate=${gate.url}`, { method });

    const held = ask("GET");
    await gate.arrived(1);
    await stack.idle();
    const posted = ask("POST");
    await gate.arrived(2);
    const order: string[] = [];
    const idle = stack.idle().then(() => order.push("idle"));
    order.push("open");
    gate.open();
    await idle;

    expect(order).toEqual(["open", "idle"]);
    expect((await posted).status).toBe(200);
    expect((await held).status).toBe(200);
  });

  test("goes on when its client has gone", async () => {
    const gate = await newGate();
    const deployment = await start(WAITING, { resources });
    const gone = new AbortController();

    const held = fetch(`${deployment.stack.url}/items?gate=${gate.url}`, { signal: gone.signal });
    await gate.arrived(1);
    gone.abort();
    await expect(held).rejects.toThrow();
    gate.open();

    await until(() => deployment.logged.includes("passed"));
  });

  test("is answered, or cut, when the stack stops", async () => {
    const gate = await newGate();
    const { stack, logged, stop } = await deploy(WAITING, { resources });

    const held = fetch(`${stack.url}/items?gate=${gate.url}`).then(
      ({ status }) => status,
      () => "cut",
    );
    await gate.arrived(1);
    await stop();

    expect([500, "cut"]).toContain(await held);
    expect(logged).toEqual([]);
  });
});
