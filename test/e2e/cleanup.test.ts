import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { endLost, kill } from "../support/lost.ts";
import {
  BY_WEBSOCKET,
  expectNoEvents,
  isoTime,
  newOrg,
  people,
  person,
  tokenFor,
} from "../support/people.ts";
import { rawClient, rawSocket } from "../support/raw.ts";
import { connectionItems, settled, stack } from "../support/running.ts";
import { TableName, table } from "../support/table.ts";
import { until } from "../support/until.ts";

const HEARTBEAT = stack.functions.named("Heartbeat");
const SHARDS = 16;
/** Runs the cleanup of every shard once. */
async function cleanUp(): Promise<void> {
  await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => stack.functions.invoke(HEARTBEAT, { shard })),
  );
  await settled();
}

type Item = Record<string, unknown>;

/** The only session of a user. */
const sessionOf = async (userId: string) =>
  (await connectionItems()).find(
    ({ session }) => (session as { userId: string } | undefined)?.userId === userId,
  );

/** The connection of a user's only session. */
const connectionOf = async (userId: string) => {
  const { connectionId } = (await sessionOf(userId)) ?? {};
  return (await stack.database.items()).find(({ pk }) => pk === `conn#${connectionId}`);
};

/** Sets attributes of an item, e.g. times in the past. */
async function rewrite(item: Item | undefined, attributes: Item): Promise<void> {
  const { pk, sk } = item ?? {};
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

describe("the heartbeat", () => {
  test("cleans up each shard once in four minutes, a quarter of them each minute", async () => {
    const event = { scheduledTime: new Date().toISOString() };
    await stack.functions.invoke(HEARTBEAT, event);
    await settled();
    stack.takeCalls();
    await stack.functions.invoke(HEARTBEAT, event);
    await settled();

    const actions = stack.takeCalls().map(({ action }) => action);
    expect(actions.filter((action) => action === "lambda:InvokeFunction")).toHaveLength(4);
    // Besides, each shard is asked for sessions that have lost their connection.
    expect(actions.filter((action) => action === "dynamodb:Query")).toHaveLength(4 + SHARDS);
  });

  test.each([{}, { scheduledTime: "<aws.scheduler.scheduled-time>" }])(
    "without a scheduled time, %j, fails and names what is missing",
    async (event) => {
      expect(await stack.functions.invoke(HEARTBEAT, event)).toMatchObject({
        ok: false,
        message: expect.stringContaining("scheduledTime must be a time"),
      });
    },
  );
});

describe("the cleanup", () => {
  test("costs a query per shard, two batches, and a post and a recorded pong per connection", async () => {
    const org = newOrg();
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => person({ org, sub: `u${n}` }, BY_WEBSOCKET)),
    );
    await settled();
    stack.takeCalls();

    await cleanUp();
    for (const someone of all) await someone.receivesNothing();

    const actions = stack.takeCalls().map(({ action }) => action);
    const count = (action: string) => actions.filter((one) => one === action).length;
    expect(count("dynamodb:Query")).toBe(SHARDS);
    expect(count("dynamodb:BatchGetItem")).toBeLessThanOrEqual(20);
    expect(count("dynamodb:UpdateItem")).toBe(10);
    // Ten pings, and ten acknowledgements of the events that this test waits for.
    expect(count("execute-api:POST")).toBe(20);
  });

  test("[EIO9] pings every connection once, and a pong keeps it", async () => {
    const client = await rawSocket(await tokenFor({ org: newOrg() }));
    await rewrite(await connectionOf("ann"), { lastSeenAt: Date.now() - 480_000 });

    await cleanUp();
    expect(await client.nextFrame()).toBe("2");
    client.send("3");
    await until(async () => Number((await connectionOf("ann"))?.lastSeenAt) > Date.now() - 60_000);
    await cleanUp();

    expect(await client.nextFrame()).toBe("2");
  });

  test("does not disturb the stock client", async () => {
    const { ann, ben } = await people("ann", "ben");

    await cleanUp();
    await cleanUp();

    await expectNoEvents(ann, ben);
    expect(ann.socket.connected && ben.socket.connected).toBe(true);
  });

  test("[EIO9] closes connections without a pong for two rounds, with the events of any disconnect", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ben.nextEvent("presence:user:online");
    await rewrite(await connectionOf("ann"), { lastSeenAt: Date.now() - 2 * 240_000 - 91_000 });

    await cleanUp();
    await endLost();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    await until(() => !ann.socket.connected);
  });

  test("[SIO13] closes connections without CONNECT after 45 s", async () => {
    const client = await rawClient();
    await client.nextFrame();
    await settled();
    const [{ pk, sk } = {}] = await connectionItems();
    await table.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: "SET idleSince = :past",
        ExpressionAttributeValues: { ":past": Date.now() - 45_001 },
      }),
    );

    await cleanUp();

    expect(await client.closed).toBe(1000);
  });

  test("[SIO17] disconnects a socket whose token has expired, with session:expired", async () => {
    const { ann, ben } = await people("ann", "ben");
    const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));
    const connection = await connectionOf("ann");
    const { sockets } = connection as unknown as { sockets: { "/": object } };
    const expiresAt = Math.floor(Date.now() / 1000) - 1;
    await rewrite(connection, { sockets: { "/": { ...sockets["/"], expiresAt } } });

    await cleanUp();

    expect(await ann.nextEvent("session:expired")).toEqual({
      reason: "the token has expired",
      timestamp: isoTime,
    });
    expect(await gone).toBe("io server disconnect");
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("detects connections that are gone without a $disconnect", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ann.emit("subscribe:query", { projectId: "p1", collectionId: "todos", queryId: "q" });
    await ann.emit("presence:online");
    await ben.emit("presence:online");
    const { connectionId } = (await sessionOf("ann")) ?? {};
    const killed = String(connectionId);

    await kill(ann.socket, killed);
    await cleanUp();
    await endLost();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    const left = (await connectionItems()).filter((item) => JSON.stringify(item).includes(killed));
    expect(left).toEqual([]);
  });

  test("deletes the items left by an interrupted disconnect, and the connection's tombstone", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ann.emit("subscribe:query", { projectId: "p1", collectionId: "todos", queryId: "q" });
    await ben.nextEvent("presence:user:online");
    const { connectionId } = (await sessionOf("ann")) ?? {};
    const killed = String(connectionId);
    await kill(ann.socket, killed);
    // The function ended the connection and died right after it.
    await rewrite(await connectionOf("ann"), { endedAt: Date.now() - 66_000 });

    await cleanUp();
    await endLost();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    const left = (await stack.database.items()).filter(
      (item) => item.endedAt === undefined && JSON.stringify(item).includes(killed),
    );
    expect(left).toEqual([]);
  });

  test("keeps the tombstone of a connection until its pending events are done", async () => {
    const ann = await person({ org: newOrg() });
    const { pk, connectedAt } = (await connectionOf("ann")) ?? {};
    const sid = ann.socket.id;
    ann.socket.disconnect();
    await until(async () => (await connectionItems()).length === 0);

    await cleanUp();
    const exists = async () => (await stack.database.items()).some((item) => item.pk === pk);
    expect(await exists()).toBe(true);
    // A pending join still writes its member item: the second cleanup finds it.
    await table.send(
      new PutCommand({
        TableName,
        Item: { pk: `room#${ann.org}#/#org`, sk: `${sid}#${connectedAt}`, userId: "ann" },
      }),
    );
    await table.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk: "conn" },
        UpdateExpression: "SET endedAt = :past",
        ExpressionAttributeValues: { ":past": Date.now() - 186_000 },
      }),
    );
    await cleanUp();

    expect(await exists()).toBe(false);
  });

  test("of one connection that fails does not keep the others from their ping", async () => {
    const org = newOrg();
    const [broken, whole] = [
      await rawSocket(await tokenFor({ org })),
      await rawSocket(await tokenFor({ org, sub: "ben" })),
    ];
    const connection = await connectionOf("ann");
    await rewrite(connection, { sockets: 7 });

    await cleanUp();

    expect(await whole.nextFrame()).toBe("2");
    await rewrite(connection, { sockets: connection?.sockets });
    broken.kill();
  });
});
