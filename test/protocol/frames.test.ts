import { describe, expect, test } from "vitest";
import { endLost } from "../support/lost.ts";
import { newOrg, tokenFor } from "../support/people.ts";
import { rawClient, rawSocket } from "../support/raw.ts";
import { connectionItems, logged, settled, stack } from "../support/running.ts";
import { until } from "../support/until.ts";

const session = async () => rawSocket(await tokenFor({ org: newOrg() }));
const stored = async () => (await connectionItems()).map(({ pk }) => pk);

describe("Engine.IO", () => {
  test("[EIO2] the server sends OPEN first, with the settings of the deployment", async () => {
    const client = await rawClient();

    const frame = await client.nextFrame();

    expect(frame[0]).toBe("0");
    expect(JSON.parse(frame.slice(1))).toEqual({
      sid: expect.stringMatching(/^[\w-]{20}$/),
      upgrades: [],
      pingInterval: 240_000,
      pingTimeout: 120_000,
      maxPayload: 131_072,
    });
  });

  test("[EIO3] a pong updates lastSeenAt", async () => {
    const client = await session();
    const before = await lastSeen();

    client.send("3");
    client.send('421["presence:update"]');
    expect(await client.nextFrame()).toBe('431[{"ok":true}]');
    await settled();

    expect(await lastSeen()).toBeGreaterThan(before);
  });

  test("[EIO4] a close packet ends the connection", async () => {
    const client = await session();

    client.send("1");

    expect(await client.closed).toBe(1000);
  });

  test("[EIO5] a noop packet does nothing", async () => {
    const client = await session();

    client.send("6");
    client.send('421["presence:update"]');

    expect(await client.nextFrame()).toBe('431[{"ok":true}]');
  });

  test.each(["2", "2probe", "0", "5", "7", "9", "x", " ", "hello", '{"action":"x"}', "é"])(
    "[EIO6] the frame %j closes the connection",
    async (frame) => {
      const client = await session();

      client.send(frame);

      expect(await client.closed).toBe(1000);
      await settled();
      expect(await stored()).toEqual([]);
    },
  );
});

describe("Socket.IO", () => {
  test("[SIO1] CONNECT is answered with the socket's id", async () => {
    const client = await rawClient();
    await client.nextFrame();

    client.send(`40${JSON.stringify({ token: await tokenFor({ org: newOrg() }) })}`);

    expect(await client.nextFrame()).toMatch(/^40\{"sid":"([\w-]{20})","pid":"\1\.[\w-]{20}"\}$/);
  });

  test("[SIO2] CONNECT to another namespace is an error, and / can still be joined", async () => {
    const client = await rawClient();
    await client.nextFrame();

    client.send("40/admin,{}");
    expect(await client.nextFrame()).toBe('44/admin,{"message":"Invalid namespace"}');
    client.send(`40${JSON.stringify({ token: await tokenFor({ org: newOrg() }) })}`);

    expect(await client.nextFrame()).toMatch(/^40/);
  });

  test("[SIO3] CONNECT without a token is an error, and may be tried again", async () => {
    const client = await rawClient();
    await client.nextFrame();

    client.send("40");
    expect(await client.nextFrame()).toBe('44{"message":"Authentication error"}');
    client.send(`40${JSON.stringify({ token: await tokenFor({ org: newOrg() }) })}`);

    expect(await client.nextFrame()).toMatch(/^40/);
  });

  test("[SIO4] CONNECT twice closes the connection and leaves no items", async () => {
    const org = newOrg();
    const token = await tokenFor({ org });
    const client = await rawSocket(token);

    client.send(`40${JSON.stringify({ token: await tokenFor({ org: newOrg() }) })}`);

    expect(await client.closed).toBe(1000);
    await settled();
    expect(await stored()).toEqual([]);
  });

  test.each(['42["subscribe:project","p1"]', '421["presence:update"]', "41", "431[]"])(
    "[SIO5] %s before CONNECT closes the connection",
    async (frame) => {
      const client = await rawClient();
      await client.nextFrame();

      client.send(frame);

      expect(await client.closed).toBe(1000);
    },
  );

  test("[SIO6] DISCONNECT ends the session, the connection stays", async () => {
    const client = await session();

    client.send("41");
    client.send("40/other,");

    expect(await client.nextFrame()).toBe('44/other,{"message":"Invalid namespace"}');
    await sessionEnded();
    client.send("3");
    client.send("40/other,");
    expect(await client.nextFrame()).toBe('44/other,{"message":"Invalid namespace"}');
  });

  test("[SIO7] after DISCONNECT an event closes the connection", async () => {
    const client = await session();
    client.send("41");
    await sessionEnded();

    client.send('42["presence:update"]');

    expect(await client.closed).toBe(1000);
  });

  test("[SIO7] after DISCONNECT a CONNECT begins a new session", async () => {
    const client = await session();
    client.send("41");

    client.send(`40${JSON.stringify({ token: await tokenFor({ org: newOrg() }) })}`);

    expect(await client.nextFrame()).toMatch(/^40{"sid":"/);
    client.send('421["presence:update"]');
    expect(await client.nextFrame()).toBe('431[{"ok":true}]');
  });

  test("[SIO2] a CONNECT that is sent before OPEN came is answered after it", async () => {
    const token = await tokenFor({ org: newOrg() });
    for (let round = 0; round < 10; round += 1) {
      const client = await rawClient();
      client.send(`40${JSON.stringify({ token })}`);

      expect(await client.nextFrame()).toMatch(/^0{/);
      expect(await client.nextFrame()).toMatch(/^40{/);
      client.kill();
    }
  });

  test("[SIO8] an event with an ack id is acknowledged once, after its reply", async () => {
    const client = await session();

    client.send('4217["custom:join",{"room":"lobby"}]');

    expect(await client.nextFrame()).toBe('42["custom:joined",{"room":"lobby"}]');
    expect(await client.nextFrame()).toBe('4317[{"room":"lobby"}]');
    client.send("6");
    client.send('4218["presence:update"]');
    expect(await client.nextFrame()).toBe('4318[{"ok":true}]');
  });

  test("[SIO9] an acknowledgement from the client is ignored", async () => {
    const client = await session();

    client.send("431[1]");
    client.send('421["presence:update"]');

    expect(await client.nextFrame()).toBe('431[{"ok":true}]');
  });

  test("[SIO9] so is one with attachments", async () => {
    const client = await session();

    client.send('461-[{"_placeholder":true,"num":0}]');
    client.send("bAAAA");
    client.send('421["presence:update"]');

    expect(await client.nextFrame()).toBe('431[{"ok":true}]');
  });

  test("[SIO13] CONNECT later than 45 s after the connection closes it", async () => {
    const client = await rawClient();
    await client.nextFrame();
    const token = await tokenFor({ org: newOrg() });

    await receives(`40${JSON.stringify({ token })}`, 45_001);

    expect(await client.closed).toBe(1000);
  });

  test("[SIO13] so does a pong later than that, without CONNECT", async () => {
    const client = await rawClient();
    await client.nextFrame();

    await receives("3", 45_001);

    expect(await client.closed).toBe(1000);
  });

  test("[SIO14] an attachment held for more than 30 s closes the connection", async () => {
    const client = await session();

    await receives("bAAAA", -30_001);

    expect(await client.closed).toBe(1000);
    await settled();
    await endLost();
    expect(await stored()).toEqual([]);
  });

  test.each([
    ["a packet without a type", "4"],
    ["an unknown packet type", "49"],
    ["a CONNECT_ERROR", '44{"message":"x"}'],
    ["an event that is not a list", '42{"a":1}'],
    ["an event without a name", "42[]"],
    ["an event without data", "42"],
    ["an event that is not JSON", '42["a"'],
    ["a name that is not a string", "42[null]"],
    ["an event of another namespace", '42/admin,["a"]'],
    ["DISCONNECT with data", "41{}"],
    ["a binary header without attachments", '450-["custom:event",{}]'],
    ["a binary header with too many attachments", '4511-["custom:event",{}]'],
    ["a binary header that is not JSON", '451-["custom:event"'],
  ])("[SIO10] %s closes the connection", async (_, frame) => {
    const client = await session();

    client.send(frame);

    expect(await client.closed).toBe(1000);
    await settled();
    expect(await stored()).toEqual([]);
  });

  test.each([
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
  ])("[SIO11] the reserved event name %s closes the connection", async (name) => {
    const client = await session();

    client.send(`42["${name}"]`);

    expect(await client.closed).toBe(1000);
  });
});

describe("API Gateway", () => {
  test("[AGW1] a binary frame closes with 1003", async () => {
    const client = await session();

    client.sendBinary(Buffer.from("4"));

    expect(await client.closed).toBe(1003);
  });

  test("[AGW2] a frame above 32 KB closes with 1009", async () => {
    const client = await session();

    client.send(`42["custom:event",{"projectId":"p1","text":"${"x".repeat(33 * 1024)}"}]`);

    expect(await client.closed).toBe(1009);
  });

  test("[AGW3] a message of 100 KB in frames of 32 KB arrives, and is refused as too large", async () => {
    const client = await session();

    const text = "x".repeat(100 * 1024);
    client.sendInFrames(`421["custom:event",{"projectId":"p1","text":"${text}"}]`, 32 * 1024);

    expect(JSON.parse((await client.nextFrame()).slice(3))).toMatchObject([
      { error: { code: "too_large" } },
    ]);
  });

  test("[AGW4] a message of 130 KB closes with 1009 in whatever frames it comes", async () => {
    const client = await session();

    const text = "x".repeat(130 * 1024);
    client.sendInFrames(`421["custom:event",{"projectId":"p1","text":"${text}"}]`, 16 * 1024);

    expect(await client.closed).toBe(1009);
  });
});

/** Resolves once the session of the only connection has ended; frames of one client may be handled in another order. */
const sessionEnded = () =>
  until(async () => (await stored()).every((pk) => String(pk).startsWith("conn#")));

async function lastSeen(): Promise<number> {
  const items = await connectionItems();
  return Number(items.find(({ pk }) => String(pk).startsWith("conn#"))?.lastSeenAt);
}

/** Invokes the function with a frame of the only connection, received this many milliseconds after it was opened. */
async function receives(body: string, later: number): Promise<void> {
  const [connectionId = ""] = stack.gateway.connectionIds();
  const connectedAt = Date.now();
  await stack.functions.invoke(stack.functions.names[0] ?? "", {
    requestContext: {
      connectionId,
      connectedAt,
      requestTimeEpoch: connectedAt + later,
      eventType: "MESSAGE",
      messageId: "late",
    },
    body,
  });
}

describe("the log has the reason why a connection was closed", () => {
  const reasons = () =>
    logged
      .join("")
      .split("\n")
      .flatMap(
        (line) => /"message":"a connection was closed".*?"reason":"([^"]+)"/.exec(line)?.[1] ?? [],
      );

  test.each([
    ["1", "the client closed it"],
    ["2", "no packet that a client of Engine.IO 4 sends"],
    ["4x", "no packet of Socket.IO"],
    ['42/admin,["x"]', "a packet of a namespace that is not connected"],
    ["40", "CONNECT on a connection that has a session, or is no more"],
    ["44{}", "a packet that only servers send"],
    ["455-[]", "an illegal header of a binary packet"],
  ])("after the frame %s", async (frame, reason) => {
    const client = await session();
    logged.length = 0;

    client.send(frame);
    await client.closed;
    await settled();

    expect(reasons()).toEqual([reason]);
  });

  test("after an event before CONNECT", async () => {
    const client = await rawClient();
    await client.nextFrame();
    logged.length = 0;

    client.send('42["presence:update"]');
    await client.closed;
    await settled();

    expect(reasons()).toEqual(["a packet before CONNECT, or after the end of its session"]);
  });
});
