import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { synthesise } from "../../local/assembly.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { openWebSocket, type RawClient } from "../support/websocket.ts";

const assembly = mkdtempSync(join(tmpdir(), "protocol-suite-"));
let stack: LocalStack;

beforeAll(async () => {
  await synthesise(assembly, { app: "examples/protocol-suite/app.ts" });
  stack = await startStack({
    ...{ assembly, port: 0, secret: "none", schedules: false, log: () => undefined },
    // As in Socket.IO, where it is off unless it is set.
    environment: { LIMITS: JSON.stringify({ connectionStateRecovery: 0 }) },
  });
});

afterAll(async () => {
  await stack.stop();
  rmSync(assembly, { recursive: true });
});

const upgrade = (query: string) =>
  openWebSocket(`${stack.url.replace("http", "ws")}/socket.io/?${query}`);

/** A connection that has had its OPEN packet. */
async function open(): Promise<RawClient> {
  const client = await upgrade("EIO=4&transport=websocket");
  await client.nextFrame();
  return client;
}

/** A connection with a socket in a namespace. */
async function connected(nsp = ""): Promise<RawClient> {
  const client = await open();
  await enter(client, nsp);
  return client;
}

async function enter(client: RawClient, nsp: string): Promise<void> {
  client.send(`40${nsp}`);
  await client.nextFrame();
  await client.nextFrame();
}

const SID = /^[\w-]{20}$/;

describe("as the suite of Engine.IO 4 asks over WebSocket,", () => {
  test("a handshake opens a session", async () => {
    const client = await upgrade("EIO=4&transport=websocket");

    const frame = await client.nextFrame();
    expect(frame[0]).toBe("0");
    expect(JSON.parse(frame.slice(1))).toEqual({
      sid: expect.stringMatching(SID),
      upgrades: [],
      pingInterval: 240_000,
      pingTimeout: 120_000,
      maxPayload: 131_072,
    });
  });

  test.each(["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"])(
    "a handshake with %s is refused",
    async (query) => {
      await expect(upgrade(query)).rejects.toThrow();
    },
  );

  test("pings come, and a pong keeps the connection", async () => {
    const client = await connected();

    for (let round = 0; round < 2; round += 1) {
      await ping();
      expect(await client.nextFrame()).toBe("2");
      client.send("3");
      await stack.idle();
    }
  });

  test("a close packet closes", async () => {
    const client = await open();
    client.send("1");

    expect(await client.closed).toBeGreaterThan(0);
  });

  test("a frame of no known type closes", async () => {
    const client = await open();
    client.send("abc");

    expect(await client.closed).toBeGreaterThan(0);
  });

  test("a raw binary frame closes: API Gateway takes none", async () => {
    const client = await connected();
    client.sendBinary(Buffer.from([1, 2, 3, 4]));

    expect(await client.closed).toBe(1003);
  });
});

/** Has the heartbeat sweep every shard, as it does in turn. */
async function ping(): Promise<void> {
  const heartbeat = stack.functions.named("ServerHeartbeat");
  await Promise.all(
    Array.from({ length: 16 }, (_, shard) => stack.functions.invoke(heartbeat, { shard })),
  );
}

describe("as the suite of Socket.IO 5 asks over WebSocket,", () => {
  describe.each([
    ["the main namespace", "", "40", "42"],
    ["a custom namespace", "/custom,", "40/custom,", "42/custom,"],
  ])("%s", (_, nsp, connect, event) => {
    test.each(["", '{"token":"123"}'])("is connected to with the payload %j", async (payload) => {
      const client = await open();
      client.send(`40${nsp}${payload}`);

      const frame = await client.nextFrame();
      expect(frame.startsWith(connect)).toBe(true);
      expect(JSON.parse(frame.slice(connect.length))).toEqual({ sid: expect.stringMatching(SID) });
      expect(await client.nextFrame()).toBe(`${event}["auth",${payload || "{}"}]`);
    });

    test("takes several arguments and gives them back", async () => {
      const client = await connected(nsp);
      client.send(`${event}["message",1,"2",{"3":[true]}]`);

      expect(await client.nextFrame()).toBe(`${event}["message-back",1,"2",{"3":[true]}]`);
    });

    test("acknowledges with several values", async () => {
      const client = await connected(nsp);
      client.send(`${event}456["message-with-ack",1,"2",{"3":[false]}]`);

      expect(await client.nextFrame()).toBe(`${event.replace("42", "43")}456[1,"2",{"3":[false]}]`);
    });
  });

  test("an unknown namespace is refused", async () => {
    const client = await open();
    client.send("40/random");

    expect(await client.nextFrame()).toBe('44/random,{"message":"Invalid namespace"}');
  });

  test("what is no packet closes, before CONNECT", async () => {
    const client = await open();
    client.send("4abc");

    expect(await client.closed).toBeGreaterThan(0);
  });

  test.each(["4abc", "42{}", '42abc["message-with-ack",1,"2",{"3":[false]}]'])(
    "an illegal packet closes: %s",
    async (frame) => {
      const client = await connected();
      client.send(frame);

      expect(await client.closed).toBeGreaterThan(0);
    },
  );

  test("a custom namespace is left, and the main one stays", async () => {
    const client = await connected();
    await enter(client, "/custom,");
    client.send("41/custom,");
    client.send('42["message","to the main namespace"]');

    expect(await client.nextFrame()).toBe('42["message-back","to the main namespace"]');
    // What was sent before has been received, and is done with now.
    await stack.idle();
    client.send('42/custom,["message","to nobody"]');
    client.send('42["message","still here"]');
    expect(await client.nextFrame()).toBe('42["message-back","still here"]');
  });

  test("the main namespace is left, and a ping still comes", async () => {
    const client = await connected();
    client.send("41");
    await stack.idle();

    await ping();
    expect(await client.nextFrame()).toBe("2");
  });

  test("the main namespace is left, and a custom one stays", async () => {
    const client = await connected();
    await enter(client, "/custom,");
    client.send("41");
    await stack.idle();
    client.send('42/custom,["message","still here"]');

    expect(await client.nextFrame()).toBe('42/custom,["message-back","still here"]');
    await ping();
    expect(await client.nextFrame()).toBe("2");
  });

  test("binary attachments come back, in base64 as this transport carries them", async () => {
    const client = await connected();
    const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
    client.send(`452-["message",${placeholders}]`);
    client.send("bAQID");
    // Once an event sent after it is answered, the second has another millisecond than the first.
    client.send('42["message"]');
    expect(await client.nextFrame()).toBe('42["message-back"]');
    client.send("bBAUG");

    expect([await client.nextFrame(), await client.nextFrame(), await client.nextFrame()]).toEqual([
      `452-["message-back",${placeholders}]`,
      "bAQID",
      "bBAUG",
    ]);
  });

  test("binary attachments are acknowledged", async () => {
    const client = await connected();
    client.send('451-789["message-with-ack",{"_placeholder":true,"num":0}]');
    client.send("bAQID");

    expect([await client.nextFrame(), await client.nextFrame()]).toEqual([
      '461-789[{"_placeholder":true,"num":0}]',
      "bAQID",
    ]);
  });
});

test("a connection that goes leaves nothing of any of its namespaces behind", async () => {
  const members = async () =>
    (await stack.database.items()).filter(({ pk }) => String(pk).startsWith("room#")).length;
  const before = await members();
  const client = await connected();
  await enter(client, "/custom,");
  expect(await members()).toBe(before + 4);

  client.close(1000, "");
  await client.closed;
  await stack.idle();

  expect(await members()).toBe(before);
});
