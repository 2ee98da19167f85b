import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test, vi } from "vitest";
import { expectNoEvents, isoTime, newOrg, people, person, tokenFor } from "../support/people.ts";
import { rawClient, rawSocket } from "../support/raw.ts";
import { connectionItems, isShuffled, settled, stack } from "../support/running.ts";
import { TableName, table } from "../support/table.ts";

const HEARTBEAT = stack.functions.named("Heartbeat");
const SHARDS = 16;
/** Sweeps every shard once. */
async function sweep(): Promise<void> {
  await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => stack.functions.invoke(HEARTBEAT, { shard })),
  );
  await settled();
}

const connectionOf = async (userId: string) =>
  (await stack.database.items()).find(
    ({ pk, session, endedAt }) =>
      String(pk).startsWith("conn#") &&
      endedAt === undefined &&
      (session as { userId: string } | undefined)?.userId === userId,
  );

/** Sets attributes of someone's connection, as if they had been written at another time. */
async function rewrite(userId: string, attributes: Record<string, unknown>): Promise<void> {
  const { pk, sk } = (await connectionOf(userId)) ?? {};
  const names = Object.keys(attributes);
  await table.send(
    new UpdateCommand({
      TableName,
      Key: { pk, sk },
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        names.map((name) => [`:${name}`, attributes[name]]),
      ),
    }),
  );
}

describe("the beat", () => {
  test("has each shard swept once in four minutes, a quarter of them each minute", async () => {
    const beat = { scheduledTime: new Date().toISOString() };
    await stack.functions.invoke(HEARTBEAT, beat);
    await settled();
    stack.takeCalls();
    await stack.functions.invoke(HEARTBEAT, beat);
    await settled();

    const actions = stack.takeCalls().map(({ action }) => action);
    expect(actions.filter((action) => action === "lambda:InvokeFunction")).toHaveLength(4);
    expect(actions.filter((action) => action === "dynamodb:Query")).toHaveLength(4);
  });

  test.each([{}, { scheduledTime: "<aws.scheduler.scheduled-time>" }])(
    "of no minute, %j, fails and says what is missing",
    async (beat) => {
      expect(await stack.functions.invoke(HEARTBEAT, beat)).toMatchObject({
        ok: false,
        message: expect.stringContaining("scheduledTime must be a time"),
      });
    },
  );
});

describe("the sweep", () => {
  test.skipIf(isShuffled)(
    "costs a query and a batch a shard, and a post and a noted pong a connection",
    async () => {
      const org = newOrg();
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, n) => person({ org, sub: `u${n}` })),
      );
      await settled();
      stack.takeCalls();

      await sweep();
      for (const someone of all) await someone.receivesNothing();

      const actions = stack.takeCalls().map(({ action }) => action);
      const count = (action: string) => actions.filter((one) => one === action).length;
      expect(count("dynamodb:Query")).toBe(SHARDS);
      expect(count("dynamodb:BatchGetItem")).toBeLessThanOrEqual(10);
      expect(count("dynamodb:UpdateItem")).toBe(10);
      // Ten pings, and ten answers to the events by which this test waits.
      expect(count("execute-api:POST")).toBe(20);
    },
  );

  test("[EIO9] pings every connection once, and a pong keeps it", async () => {
    const client = await rawSocket(await tokenFor({ org: newOrg() }));
    await rewrite("ann", { lastSeenAt: Date.now() - 480_000 });

    await sweep();
    expect(await client.nextFrame()).toBe("2");
    client.send("3");
    await vi.waitUntil(
      async () => Number((await connectionOf("ann"))?.lastSeenAt) > Date.now() - 60_000,
    );
    await sweep();

    expect(await client.nextFrame()).toBe("2");
  });

  test("does not disturb the stock client", async () => {
    const { ann, ben } = await people("ann", "ben");

    await sweep();
    await sweep();

    await expectNoEvents(ann, ben);
    expect(ann.socket.connected && ben.socket.connected).toBe(true);
  });

  test("[EIO9] closes what has not ponged for two rounds, and tells of it as of any disconnect", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ben.nextEvent("presence:user:online");
    await rewrite("ann", { lastSeenAt: Date.now() - 2 * 240_000 - 91_000 });

    await sweep();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    await vi.waitUntil(() => !ann.socket.connected);
  });

  test("[SIO13] closes what has not sent CONNECT within 45 s", async () => {
    const client = await rawClient();
    await client.nextFrame();
    const [{ pk, sk } = {}] = await connectionItems();
    await table.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: "SET connectedAt = :past",
        ExpressionAttributeValues: { ":past": Date.now() - 45_001 },
      }),
    );

    await sweep();

    expect(await client.closed).toBe(1000);
  });

  test("[SIO17] ends a socket whose token has expired, and says so", async () => {
    const { ann, ben } = await people("ann", "ben");
    const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));
    const { session } = (await connectionOf("ann")) as unknown as {
      session: object;
    };
    const expiresAt = Math.floor(Date.now() / 1000) - 1;
    await rewrite("ann", { session: { ...session, expiresAt } });

    await sweep();

    expect(await ann.nextEvent("session:expired")).toEqual({
      reason: "the token has expired",
      timestamp: isoTime,
    });
    expect(await gone).toBe("io server disconnect");
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("finds out what is gone although nobody ever said so", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ann.emit("subscribe:query", { projectId: "p1", collectionId: "todos", queryId: "q" });
    await ann.emit("presence:online");
    await ben.emit("presence:online");
    const killed = String((await connectionOf("ann"))?.pk).slice("conn#".length);

    stack.gateway.drop(killed);
    await sweep();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    const left = (await connectionItems()).filter((item) => JSON.stringify(item).includes(killed));
    expect(left).toEqual([]);
  });

  test("takes away what a disconnect that broke off has left, and the note of the connection", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ann.emit("subscribe:query", { projectId: "p1", collectionId: "todos", queryId: "q" });
    await ben.nextEvent("presence:user:online");
    const killed = String((await connectionOf("ann"))?.pk).slice("conn#".length);
    stack.gateway.drop(killed);
    // The function ended the connection and died before it did anything else.
    await rewrite("ann", { endedAt: Date.now() - 31_000 });

    await sweep();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    const left = (await stack.database.items()).filter((item) =>
      JSON.stringify(item).includes(killed),
    );
    expect(left).toEqual([]);
  });

  test("waits with the note of a connection until whatever was under way is over", async () => {
    const ann = await person({ org: newOrg() });
    const { pk } = (await connectionOf("ann")) ?? {};
    ann.socket.disconnect();
    await vi.waitUntil(async () => (await connectionItems()).length === 0);

    await sweep();
    const noted = async () => (await stack.database.items()).some((item) => item.pk === pk);
    expect(await noted()).toBe(true);
    // A join that was under way lists the socket after all: the second look finds it.
    await table.send(
      new PutCommand({
        TableName,
        Item: { pk: `room#${ann.org}#/#org`, sk: String(pk).slice("conn#".length), userId: "ann" },
      }),
    );
    await table.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk: "conn" },
        UpdateExpression: "SET endedAt = :past",
        ExpressionAttributeValues: { ":past": Date.now() - 31_000 },
      }),
    );
    await sweep();

    expect(await noted()).toBe(false);
  });

  test("takes a socket off a room it left while it was joining it, and never off one it joined anew", async () => {
    const ann = await person({ org: newOrg() });
    for (const room of ["stale", "fresh"]) {
      await ann.emit("custom:join", { room });
      await ann.emit("custom:leave", { room });
    }
    const connectionId = String((await connectionOf("ann"))?.pk).slice("conn#".length);
    const past = Date.now() - 31_000;
    await rewrite("ann", { leftAt: past });
    const list = (room: string, joinedAt: number) =>
      table.send(
        new PutCommand({
          TableName,
          Item: {
            pk: `room#${ann.org}#/#custom#${room}`,
            sk: connectionId,
            userId: "ann",
            joinedAt,
          },
        }),
      );
    await list("stale", past - 1);
    await list("fresh", Date.now());

    await sweep();

    const rooms = (await ofConnections()).map(({ pk }) => String(pk));
    expect(rooms).not.toContain(`room#${ann.org}#/#custom#stale`);
    expect(rooms).toContain(`room#${ann.org}#/#custom#fresh`);
    await ann.emit("custom:join", { room: "fresh" });
  });

  test("of one connection that cannot be swept does not keep the others from their ping", async () => {
    const org = newOrg();
    const [broken, whole] = [
      await rawSocket(await tokenFor({ org })),
      await rawSocket(await tokenFor({ org, sub: "ben" })),
    ];
    const { session } = (await connectionOf("ann")) as unknown as { session: object };
    await rewrite("ann", { session: 7 });

    await sweep();

    expect(await whole.nextFrame()).toBe("2");
    const [{ pk, sk } = {}] = (await connectionItems()).filter((item) => item.session === 7);
    await table.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: "SET #session = :session",
        ExpressionAttributeNames: { "#session": "session" },
        ExpressionAttributeValues: { ":session": session },
      }),
    );
    broken.kill();
  });
});
