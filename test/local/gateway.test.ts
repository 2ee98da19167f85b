import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { describe, expect, test } from "vitest";
import { type Deployment, deployPerTest, POSTING, template } from "../support/deployment.ts";
import { gatePerTest } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { openWebSocket, type RawClient } from "../support/websocket.ts";

const start = deployPerTest();
const newGate = gatePerTest();
const connect = ({ stack }: Deployment, path = "/live?EIO=4"): Promise<RawClient> =>
  openWebSocket(`${stack.url.replace("http", "ws")}${path}`);
const management = ({ stack }: Deployment, accessKeyId = "LOCALFUNCTION") =>
  new ApiGatewayManagementApiClient({
    endpoint: `${stack.url}${stack.stagePath}`,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey: "local" },
    maxAttempts: 1,
  });
const events = ({ logged }: Deployment) => logged.map((line) => JSON.parse(line));

const { Function: ours } = template().Resources;
const patient = { Function: { ...ours, Properties: { ...ours.Properties, Timeout: 900 } } };

const SILENT = "export const handler = async () => ({ statusCode: 200 });";
const LOGGING = `export const handler = async (event) => {
  console.log(JSON.stringify(event));
  return { statusCode: 200 };
};`;

describe("an upgrade", () => {
  test.each(["/", "/live/", "/live/socket.io/", "/other"])("at %s is refused", async (path) => {
    await expect(connect(await start(SILENT), path)).rejects.toThrow("403");
  });

  test.each([401, 429, 500])("is refused with the %i that $connect answers", async (statusCode) => {
    const deployment = await start(
      `export const handler = async () => ({ statusCode: ${statusCode} });`,
    );

    await expect(connect(deployment)).rejects.toThrow(`${statusCode}`);
    expect(deployment.stack.gateway.connectionIds()).toEqual([]);
  });

  test("is refused with 500 if $connect throws, or returns no status", async () => {
    await expect(
      connect(await start('export const handler = async () => { throw new Error("no"); };')),
    ).rejects.toThrow("500");
  });
});

describe("the subprotocol", () => {
  const returning = (headers: string) =>
    start(`export const handler = async () => ({ statusCode: 200, headers: ${headers} });`);
  const offering = ({ stack }: Deployment, ...protocols: string[]) =>
    openWebSocket(`${stack.url.replace("http", "ws")}/live`, {}, protocols);

  test("is the one that $connect returns, in upper or lower case of the header", async () => {
    const deployment = await returning('{ "sec-websocket-protocol": "second" }');

    expect((await offering(deployment, "first", "second")).protocol).toBe("second");
  });

  test.each(["{}", "undefined", '{ "Sec-WebSocket-Protocol": "no token" }'])(
    "is none if $connect returns %s, and a client that offered some fails",
    async (headers) => {
      await expect(offering(await returning(headers), "first")).rejects.toThrow(
        "Server sent no subprotocol",
      );
    },
  );

  test("that was not offered is answered all the same, and the client fails", async () => {
    const deployment = await returning('{ "Sec-WebSocket-Protocol": "first" }');

    await expect(offering(deployment)).rejects.toThrow("Server sent a subprotocol");
  });
});

test("the events have the fields of the real ones", async () => {
  const deployment = await start(LOGGING);
  const client = await connect(deployment, "/live?EIO=4&EIO=5&token=x");
  client.send("2");
  await until(() => deployment.logged.length === 2);
  client.kill();
  await until(() => deployment.logged.length === 3);

  const [connected, message, disconnected] = events(deployment);
  expect(connected).toMatchObject({
    requestContext: {
      routeKey: "$connect",
      eventType: "CONNECT",
      connectionId: expect.stringMatching(/^[\w-]{15}=$/),
      connectedAt: expect.any(Number),
      requestTimeEpoch: expect.any(Number),
      apiId: "Api",
      stage: "live",
      domainName: "Api.execute-api.us-east-1.amazonaws.com",
      identity: { sourceIp: "127.0.0.1" },
    },
    headers: { Upgrade: "websocket" },
    multiValueHeaders: { Upgrade: ["websocket"] },
    queryStringParameters: { EIO: "5", token: "x" },
    multiValueQueryStringParameters: { EIO: ["4", "5"], token: ["x"] },
  });
  expect(message).toMatchObject({
    requestContext: { routeKey: "$default", eventType: "MESSAGE", messageId: expect.any(String) },
    body: "2",
  });
  expect(message).not.toHaveProperty("headers");
  expect(message).not.toHaveProperty("queryStringParameters");
  expect(disconnected).toMatchObject({
    requestContext: {
      routeKey: "$disconnect",
      eventType: "DISCONNECT",
      disconnectStatusCode: 1006,
      disconnectReason: "",
    },
  });
});

describe("@connections", () => {
  test("answers 410 until $connect has returned, then accepts posts", async () => {
    const deployment = await start(`${POSTING}
      export const handler = async (event) => {
        console.log((await post(event)).status);
        return { statusCode: 200 };
      };`);

    const client = await connect(deployment);
    expect(deployment.logged).toEqual(["410"]);
    client.send("x");

    expect(await client.nextFrame()).toBe("hello");
  });

  test("serves an unmodified SDK client: post, get, delete", async () => {
    const deployment = await start(SILENT);
    const client = await connect(deployment);
    const [ConnectionId] = deployment.stack.gateway.connectionIds();
    const sdk = management(deployment);

    await sdk.send(new PostToConnectionCommand({ ConnectionId, Data: "2" }));
    expect(await client.nextFrame()).toBe("2");
    expect(await sdk.send(new GetConnectionCommand({ ConnectionId }))).toMatchObject({
      ConnectedAt: expect.any(Date),
      LastActiveAt: expect.any(Date),
      Identity: { SourceIp: "127.0.0.1" },
    });
    await sdk.send(new DeleteConnectionCommand({ ConnectionId }));
    expect(await client.closed).toBe(1000);
    await expect(
      sdk.send(new PostToConnectionCommand({ ConnectionId, Data: "2" })),
    ).rejects.toMatchObject({ name: "GoneException", $metadata: { httpStatusCode: 410 } });
  });

  test("accepts 128 KB and refuses more with 413", async () => {
    const deployment = await start(SILENT);
    const client = await connect(deployment);
    const [ConnectionId] = deployment.stack.gateway.connectionIds();
    const post = (bytes: number) =>
      management(deployment).send(
        new PostToConnectionCommand({ ConnectionId, Data: "x".repeat(bytes) }),
      );

    await post(128 * 1024);
    expect(await client.nextFrame()).toHaveLength(128 * 1024);
    await expect(post(128 * 1024 + 1)).rejects.toMatchObject({ name: "PayloadTooLargeException" });
  });

  test("refuses an unknown caller with 403", async () => {
    const deployment = await start(SILENT);
    await connect(deployment);
    const [ConnectionId] = deployment.stack.gateway.connectionIds();

    await expect(
      management(deployment, "SOMEONE").send(
        new PostToConnectionCommand({ ConnectionId, Data: "2" }),
      ),
    ).rejects.toMatchObject({ name: "ForbiddenException" });
  });
});

describe("API Gateway's own messages to a client", () => {
  const failing = (body: string) => `export const handler = async (event) => {
    if (event.requestContext.eventType === "MESSAGE") ${body}
    return { statusCode: 200 };
  };`;
  const failure = {
    message: "Internal server error",
    connectionId: expect.any(String),
    requestId: expect.any(String),
  };

  test("a function that throws is an internal server error", async () => {
    const client = await connect(await start(failing('throw new Error("boom");')));

    client.send("x");

    expect(JSON.parse(await client.nextFrame())).toEqual(failure);
  });

  test("so is one that runs longer than its time-out, and the next call gets a new environment", async () => {
    const client = await connect(
      await start(
        failing('if (event.body === "hang") await new Promise(() => setInterval(() => {}, 1000));'),
      ),
    );

    client.send("hang");
    expect(JSON.parse(await client.nextFrame())).toEqual(failure);
    client.send("fine");
    client.send("hang");

    expect(JSON.parse(await client.nextFrame())).toEqual(failure);
  });

  test("so is one that exceeds API Gateway's integration timeout", async () => {
    const client = await connect(
      await start(failing("await new Promise(() => setInterval(() => {}, 1000));"), {
        resources: patient,
        gateway: { integrationTimeout: 500 },
      }),
    );

    client.send("x");

    expect(JSON.parse(await client.nextFrame())).toEqual(failure);
  });
});

describe("beyond the executions that are reserved for the function", () => {
  const resources = {
    Function: {
      ...ours,
      Properties: { ...ours.Properties, Timeout: 10, ReservedConcurrentExecutions: 1 },
    },
  };
  const WAITING = `export const handler = async (event) => {
    if (event.body?.startsWith("http")) await fetch(event.body);
    return { statusCode: 200 };
  };`;

  test("a frame is answered that there are too many, and an upgrade with 429", async () => {
    const gate = await newGate();
    const deployment = await start(WAITING, { resources });
    const client = await connect(deployment);

    client.send(gate.url);
    await gate.arrived(1);
    client.send("x");

    expect(JSON.parse(await client.nextFrame())).toEqual({
      message: "Too Many Requests",
      connectionId: expect.any(String),
      requestId: expect.any(String),
    });
    await expect(connect(deployment)).rejects.toThrow("429");
    gate.open();
    await deployment.stack.idle();
    await connect(deployment);
  });
});

describe("connections are closed", () => {
  test("after the idle time-out", async () => {
    const client = await connect(await start(SILENT, { gateway: { idleTimeout: 50 } }));

    expect(await client.closed).toBe(1001);
  });

  test("after their lifetime, however busy", async () => {
    const client = await connect(await start(SILENT, { gateway: { lifetime: 50 } }));

    expect(await client.closed).toBe(1001);
  });
});

describe("frames", () => {
  const SLOW = `export const handler = async (event) => {
    if (event.body?.startsWith("http")) await fetch(event.body);
    if (event.body) console.log(event.body);
    return { statusCode: 200 };
  };`;

  test("of one connection run concurrently", async () => {
    const gate = await newGate();
    const deployment = await start(SLOW, { resources: patient });
    const client = await connect(deployment);

    client.send(gate.url);
    client.send("second");
    await until(() => deployment.logged.length === 1);
    gate.open();
    await until(() => deployment.logged.length === 2);

    expect(deployment.logged).toEqual(["second", gate.url]);
  });

  test("are reordered with shuffle", async () => {
    const deployment = await start(SLOW, { gateway: { shuffle: true } });
    const client = await connect(deployment);
    const sent = Array.from({ length: 60 }, (_, n) => `${n}`);

    for (const frame of sent) client.send(frame);
    await until(() => deployment.logged.length === sent.length);

    expect(deployment.logged).not.toEqual(sent);
    expect(new Set(deployment.logged)).toEqual(new Set(sent));
  });
});

describe("$disconnect", () => {
  test("is called with the client's code and reason", async () => {
    const deployment = await start(LOGGING);
    const client = await connect(deployment);

    client.close(4001, "bye");
    await until(() => deployment.logged.length === 2);

    expect(events(deployment)[1].requestContext).toMatchObject({
      disconnectStatusCode: 4001,
      disconnectReason: "bye",
    });
  });

  test("is lost for the configured share of connections", async () => {
    const deployment = await start(LOGGING, { gateway: { loseDisconnects: 1 } });
    const client = await connect(deployment);

    client.close(1000, "");
    await client.closed;
    await until(() => deployment.stack.gateway.connectionIds().length === 0);
    await deployment.stack.idle();

    expect(events(deployment)).toHaveLength(1);
  });
});
