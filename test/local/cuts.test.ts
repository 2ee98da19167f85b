import { once } from "node:events";
import { get } from "node:http";
import {
  ApiGatewayManagementApiClient,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { describe, expect, test } from "vitest";
import { type CutKind, drawCut } from "../../local/cuts.ts";
import { millisecondsIn } from "../../local/numbers.ts";
import { randomFrom } from "../../local/random.ts";
import { deployPerTest, httpApi } from "../support/deployment.ts";
import { gatePerTest } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { openWebSocket } from "../support/websocket.ts";

describe("a cut that is drawn", () => {
  const MEAN = 60_000;
  const DRAWS = 100_000;
  const draw = (lostShare?: number) => {
    const random = randomFrom(1);
    return Array.from({ length: DRAWS }, () => drawCut(MEAN, lostShare, random));
  };
  const shareOf = (kind: CutKind, lostShare?: number) =>
    draw(lostShare).filter((cut) => cut.kind === kind).length / DRAWS;

  test("comes at any age from half of the mean to one and a half times it", () => {
    const ages = draw().map(({ age }) => age / MEAN);

    expect(Math.min(...ages)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...ages)).toBeLessThan(1.5);
    // A quarter of them in each quarter of that time.
    for (const from of [0.5, 0.75, 1, 1.25]) {
      const within = ages.filter((age) => age >= from && age < from + 0.25);
      expect(within.length / DRAWS).toBeCloseTo(0.25, 2);
    }
    expect(ages.reduce((sum, age) => sum + age) / DRAWS).toBeCloseTo(1, 2);
  });

  test.each([
    [undefined, 1 / 3],
    [0, 0],
    [0.2, 0.2],
    [1, 1],
  ])(
    "goes unnoticed where %s of $disconnect is lost, and half of the others are abrupt",
    (lostShare, unnoticed) => {
      expect(shareOf("unnoticed", lostShare)).toBeCloseTo(unnoticed, 2);
      expect(shareOf("abrupt", lostShare)).toBeCloseTo((1 - unnoticed) / 2, 2);
      expect(shareOf("closing", lostShare)).toBeCloseTo((1 - unnoticed) / 2, 2);
    },
  );
});

test("the seconds of --cut-every may be a fraction", () => {
  expect(millisecondsIn("--cut-every", "1.5")).toBe(1500);
});

describe("with cutEvery", () => {
  // So many that each kind of cut occurs among them.
  const CONNECTIONS = 40;
  const LOGGING = `export const handler = async ({ requestContext }) => {
    console.log(JSON.stringify(requestContext));
    return { statusCode: 200 };
  };`;
  const HANDSHAKE = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  /** Waits until a gate is open. */
  const WAITING = `export const handler = async ({ queryStringParameters: { gate } }) => {
    await fetch(gate);
    return { statusCode: 200 };
  };`;
  const start = deployPerTest();
  const newGate = gatePerTest();

  /** Opens connections and waits until each is cut: its id, the close code of its client, and those of $disconnect. */
  async function cutConnections(loseDisconnects?: number) {
    const { stack, logged } = await start(LOGGING, {
      seed: 1,
      gateway: { cutEvery: 50, loseDisconnects },
    });
    const clients = [];
    for (let count = 0; count < CONNECTIONS; count += 1)
      clients.push(await openWebSocket(`${stack.url.replace("http", "ws")}/live?EIO=4`));
    const codes = await Promise.all(clients.map(({ closed }) => closed));
    await until(() => stack.gateway.connectionIds().length === 0);
    await stack.idle();

    const contexts = logged.map((line) => JSON.parse(line));
    const ofType = (type: string) => contexts.filter(({ eventType }) => eventType === type);
    const connections = ofType("CONNECT").map(({ connectionId }, index) => {
      const disconnects = ofType("DISCONNECT").filter((one) => one.connectionId === connectionId);
      const told = disconnects.map((one) => one.disconnectStatusCode as number);
      return { connectionId: connectionId as string, seen: codes[index], told };
    });
    return { stack, connections };
  }

  const kindsOf = (connections: Awaited<ReturnType<typeof cutConnections>>["connections"]) =>
    [...new Set(connections.map(({ seen, told }) => `seen ${seen}, told ${told}`))].toSorted();

  test("some connections end with a close frame, some without, and some without a $disconnect", async () => {
    const { connections } = await cutConnections();

    expect(connections).toHaveLength(CONNECTIONS);
    expect(kindsOf(connections)).toEqual([
      "seen 1001, told 1001",
      "seen 1006, told ",
      "seen 1006, told 1006",
    ]);
  });

  test("no $disconnect is lost where loseDisconnects is 0", async () => {
    const { connections } = await cutConnections(0);

    expect(kindsOf(connections)).toEqual(["seen 1001, told 1001", "seen 1006, told 1006"]);
  });

  test("every $disconnect is lost where loseDisconnects is 1", async () => {
    const { connections } = await cutConnections(1);

    expect(kindsOf(connections)).toEqual(["seen 1006, told "]);
  });

  test("a connection that was cut is gone for posts and for its information, however it was cut", async () => {
    const { stack, connections } = await cutConnections();
    const sdk = new ApiGatewayManagementApiClient({
      endpoint: `${stack.url}${stack.stagePath}`,
      region: "us-east-1",
      credentials: { accessKeyId: "LOCALFUNCTION", secretAccessKey: "local" },
      maxAttempts: 1,
    });

    const gone = { name: "GoneException", $metadata: { httpStatusCode: 410 } };
    for (const { connectionId: ConnectionId } of connections) {
      const posting = sdk.send(new PostToConnectionCommand({ ConnectionId, Data: "2" }));
      await expect(posting).rejects.toMatchObject(gone);
      const asking = sdk.send(new GetConnectionCommand({ ConnectionId }));
      await expect(asking).rejects.toMatchObject(gone);
    }
  });

  test("a connection that is being closed is gone for posts before its client has answered", async () => {
    // The first cut of this seed has a close frame, which this client does not answer.
    const { stack } = await start(LOGGING, {
      seed: 1,
      gateway: { cutEvery: 50, loseDisconnects: 0 },
    });
    const [, socket, head] = await once(
      get(`${stack.url}/live?EIO=4`, { headers: HANDSHAKE }),
      "upgrade",
    );
    const frame: Buffer = head.length > 0 ? head : (await once(socket, "data"))[0];

    expect(frame.readUInt16BE(2)).toBe(1001);
    const [connectionId = ""] = stack.gateway.connectionIds();
    expect(connectionId).not.toBe("");
    expect(await stack.gateway.post(connectionId, "2")).toBe(false);
    expect(stack.gateway.info(connectionId)).toBeUndefined();
    socket.destroy();
  });

  test("a stack that is told to cuts the connections that are open", async () => {
    const { stack } = await start(LOGGING, { gateway: { loseDisconnects: 0 } });
    const client = await openWebSocket(`${stack.url.replace("http", "ws")}/live?EIO=4`);

    stack.cutEvery(1);

    expect([1001, 1006]).toContain(await client.closed);
  });

  test("a request that waits is cut, and none is any more once the stack is told so", async () => {
    const { stack } = await start(WAITING, { resources: httpApi("GET /items") });
    const gate = await newGate();
    const request = () => fetch(`${stack.url}/items?gate=${encodeURIComponent(gate.url)}`);

    stack.cutEvery(1);
    await expect(request()).rejects.toThrow("fetch failed");
    stack.cutEvery(undefined);
    const answer = request();
    gate.open();

    expect((await answer).status).toBe(200);
  });

  test("a connection whose lifetime ends before its cut ends with its lifetime", async () => {
    // A cut that is unnoticed has no close code.
    const { stack } = await start(LOGGING, {
      gateway: { cutEvery: 2 ** 40, lifetime: 50, loseDisconnects: 1 },
    });
    const client = await openWebSocket(`${stack.url.replace("http", "ws")}/live?EIO=4`);

    expect(await client.closed).toBe(1001);
  });
});
