import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, describe, expect, inject, test } from "vitest";
import { LATEST_WRITE } from "../../lambdas/server/model/limits.ts";
import { MOST_REPLAYED } from "../../lambdas/server/model/recovery.ts";
import type { CallInput } from "./commands.ts";
import { recovering } from "./recovering.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), {
  ...{ connectionStateRecovery: 120, roomsPerSocket: 12 },
});
afterAll(() => world.stop());

const { newOrg, people, connected, join, tell, events, heard, comeBack, ...more } =
  recovering(world);
const { offsetOf, recordOf, roomsOf, putClub, joinClub, awayFromClub } = more;

const todos = { projectId: "p1", collectionId: "todos" };

const subscribe = (connectionId: string, queryId: string) =>
  world.send(
    connectionId,
    `421["subscribe:query",${JSON.stringify({ ...todos, queryId, query: {} })}]`,
  );

const create = (org: string, data: object = { _id: "x" }) =>
  world.publish({ event: "db:create", org, ...todos, data });

/** Says something in the chat `club`, some time after whatever was before. */
async function say(connectionId: string, content: string): Promise<void> {
  world.pass(1000);
  const message = { projectId: "p1", chatId: "club", type: "text", content };
  await world.send(connectionId, `42["message:send",${JSON.stringify(message)}]`);
  world.pass(1000);
}

/** What a connection has heard of the chat `club`. */
const said = (connectionId: string) =>
  events(connectionId)
    .filter(([name]) => name === "message:new")
    .map(
      ([, payload]) =>
        (payload as { readonly message: { readonly content: string } }).message.content,
    );

const revoke = (org: string, target: object) => world.publish({ event: "revoke", org, target });

const holdCompletion = () =>
  world.holdNext(({ UpdateExpression = "" }) =>
    String(UpdateExpression).includes("completed = :connectedAt"),
  );

/** Has something happen each time that a socket that comes back, and has what it missed, is about to be complete. */
async function asItComesBack(
  coming: () => Promise<string>,
  ...happenings: readonly (() => Promise<unknown>)[]
) {
  let held = holdCompletion();
  const back = coming();
  for (const [round, happens] of happenings.entries()) {
    await Promise.race([held.reached, back]);
    await happens();
    const { release } = held;
    if (round + 1 < happenings.length) held = holdCompletion();
    release();
  }
  return back;
}

/** Two people of whom one has heard something long ago, and nothing since; both have answered their pings. */
async function quietPeople() {
  const found = await people();
  await tell(found.ben, 1);
  for (let minutes = 0; minutes < 24; minutes += 4) {
    world.pass(240_000);
    for (const one of [found.ann, found.ben]) await world.send(one, "3");
  }
  return found;
}

describe("a socket that has been quiet for longer than the log reaches back", () => {
  test("comes back again although no ping came since it was back", async () => {
    const { org, ann, ben, sid, pid } = await quietPeople();
    const offset = offsetOf(ann);
    await world.disconnect(ann);
    const first = await world.connect("ann", org, {}, { pid, offset });
    world.pass(20_000);
    await world.disconnect(first);
    await tell(ben, 2);

    const second = await world.connect("ann", org, {}, { pid, offset });

    expect(connected(first).sid).toBe(sid);
    expect(connected(second).sid).toBe(sid);
    expect([...heard(first), ...heard(second)]).toEqual([2]);
  });

  test("comes back although its old connection was swept", async () => {
    const { org, ann, sid, pid } = await quietPeople();
    await world.disconnect(ann);
    const sweptAt = world.now() + LATEST_WRITE + 1000;
    await world.heartbeat(Math.floor(sweptAt / 240_000) * 240_000, sweptAt);

    const back = await comeBack("ann", org, ann, pid);

    expect(connected(back).sid).toBe(sid);
  });
});

/** Notes something in the record of a session, behind the server's back. */
const write = (sid: string, name: string, value: unknown) =>
  world.database.send(
    new UpdateCommand({
      ...{ TableName: world.tableName, Key: { pk: `sess#${sid}`, sk: "sess" } },
      ...{ UpdateExpression: "SET #name = :value", ExpressionAttributeNames: { "#name": name } },
      ExpressionAttributeValues: { ":value": value },
    }),
  );

/** Makes the record of a session as large as DynamoDB takes it. */
async function fillRecord(sid: string): Promise<void> {
  let [fits, tooLarge] = [0, 400 * 1024];
  while (tooLarge - fits > 1) {
    const bytes = Math.floor((fits + tooLarge) / 2);
    const isTaken = await write(sid, "filler", "x".repeat(bytes)).then(
      () => true,
      () => false,
    );
    if (isTaken) fits = bytes;
    else tooLarge = bytes;
  }
}

describe("a socket that comes back, and in the meantime", () => {
  test("is revoked, is disconnected", async () => {
    const { org, ann, pid } = await people();
    await world.disconnect(ann);

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      () => revoke(org, { userId: "ann" }),
    );

    expect(world.framesOf(back).at(-1)).toBe("41");
    expect(world.isConnected(back)).toBe(false);
  });

  test("has the token revoked that it comes with, is disconnected", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org, { jti: "old" });
    const { pid } = connected(ann);
    await world.disconnect(ann);

    const back = await asItComesBack(
      () => world.connect("ann", org, { jti: "new" }, { pid }),
      () => revoke(org, { jti: "new" }),
    );

    expect(world.isConnected(back)).toBe(false);
  });

  test("is taken out of a room, is not in it", async () => {
    const { org, ann, sid, pid } = await awayFromClub();

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      () => putClub(org, ["ben"]),
    );

    expect(connected(back).sid).toBe(sid);
    expect(await roomsOf(sid)).toContain("org");
    expect(await roomsOf(sid)).not.toContain("chat#p1#club");
  });

  test("is taken off a chat, hears that, and nothing that is said there afterwards", async () => {
    const { org, ann, pid } = await awayFromClub();
    const ben = await world.connect("ben", org);
    await joinClub(ben);
    await say(ben, "before");

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      async () => {
        await putClub(org, ["ben"]);
        await say(ben, "after");
      },
    );

    expect(said(back)).toEqual(["before"]);
    expect(events(back).map(([name]) => name)).toContain("chat:left");
  });

  test("has two live queries that match one document, gets it for both", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    const { sid, pid } = connected(ann);
    for (const queryId of ["a", "b"]) await subscribe(ann, queryId);
    await world.disconnect(ann);

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      () => create(org),
    );

    expect(connected(back).sid).toBe(sid);
    expect(events(back).map(([, payload]) => payload)).toMatchObject([
      { queryId: "a" },
      { queryId: "b" },
    ]);
    expect(world.isConnected(back)).toBe(true);
  });

  test("has a record that is full, is cut, and others hear what is said all the same", async () => {
    const { org, ann, ben, sid, pid } = await people();
    const cat = await world.connect("cat", org);
    await join(cat);
    await world.disconnect(ann);

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      async () => {
        await fillRecord(sid);
        await tell(ben, 1);
      },
    );

    expect(heard(cat)).toEqual([1]);
    expect(world.isConnected(back)).toBe(false);
  });

  test("hears more each time that it was about to be back, is back, and has heard it in order", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await world.disconnect(ann);
    const numbers = Array.from({ length: 15 }, (_, n) => n);

    const back = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      ...numbers.map((n) => () => tell(ben, n)),
    );

    expect(connected(back).sid).toBe(sid);
    expect(heard(back)).toEqual(numbers);
    expect(world.isConnected(back)).toBe(true);
  });

  test("cannot be told of a packet, is cut, and comes back for it; all others hear it at once", async () => {
    const { org, ann, ben, sid, pid } = await people();
    const cat = await world.connect("cat", org);
    await join(cat);
    await world.disconnect(ann);
    const isNote = ({ UpdateExpression }: CallInput) =>
      UpdateExpression?.startsWith("ADD pending") === true;
    const cut = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      () => world.failing(isNote, () => tell(ben, 1)),
    );
    expect(heard(cat)).toEqual([1]);
    expect(world.isConnected(cut)).toBe(false);

    const back = await comeBack("ann", org, cut, pid);

    expect(connected(back).sid).toBe(sid);
    expect([...heard(cut), ...heard(back)]).toEqual([1]);
  });

  test("has as much left to it as it posts, is cut, and comes back for more", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await world.disconnect(ann);
    const notes = Array.from({ length: MOST_REPLAYED }, (_, n) => `["corner","nothing-${n}"]`);
    const cut = await asItComesBack(
      () => comeBack("ann", org, ann, pid),
      async () => {
        await write(sid, "pending", new Set(notes));
        await tell(ben, 1);
      },
    );
    expect(world.isConnected(cut)).toBe(false);

    const back = await comeBack("ann", org, cut, pid);

    expect(connected(back).sid).toBe(sid);
    expect([...heard(cut), ...heard(back)]).toEqual([1]);
  });
});

test("a socket that was taken off a chat while it was away hears that, and nothing that was said there afterwards", async () => {
  const { org, ann, pid } = await awayFromClub();
  const ben = await world.connect("ben", org);
  await joinClub(ben);
  await say(ben, "before");
  await putClub(org, ["ben"]);
  await say(ben, "after");
  await putClub(org, ["ben", "cat"]);

  const back = await comeBack("ann", org, ann, pid);

  expect(said(back)).toEqual(["before"]);
  expect(events(back).map(([name]) => name)).toContain("chat:left");
});

test("a socket that comes back with one fresh token after another is in the rooms of the last one alone", async () => {
  const org = newOrg();
  let last = await world.connect("ann", org, { jti: "token-0" });
  const { sid, pid } = connected(last);
  for (let n = 1; n <= 15; n += 1) {
    await world.disconnect(last);
    world.pass(1000);
    last = await world.connect("ann", org, { jti: `token-${n}` }, { pid });
    expect(connected(last).sid).toBe(sid);
  }
  await revoke(org, { jti: "token-1" });

  expect(world.isConnected(last)).toBe(true);
  expect((await roomsOf(sid)).filter((room) => room.startsWith("token"))).toEqual([
    "token#token-15",
  ]);
});

describe("a client that cannot have its session", () => {
  test("gets a new one where the rooms of a fresh token do not fit, and is found by these", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org, { jti: "old" });
    const { sid, pid } = connected(ann);
    for (let n = 0; n < 12; n += 1) await join(ann, `room-${n}`);
    await world.disconnect(ann);

    const back = await world.connect("ann", org, { jti: "new", sid: "one more" }, { pid });
    expect(connected(back).sid).not.toBe(sid);
    await revoke(org, { jti: "new" });

    expect(world.isConnected(back)).toBe(false);
  });

  test.each([
    ["a token that grants more", 0, { projects: ["p1", "p2"] }],
    ["a token whose rooms do not fit", 12, { jti: "new", sid: "one more" }],
  ])("with %s, finds the slot of the old one free", async (_, rooms, claims) => {
    const org = newOrg();
    await world.publish({ event: "limit:put", org, connections: 1 });
    const ann = await world.connect("ann", org, { jti: "old" });
    const { sid, pid } = connected(ann);
    for (let n = 0; n < rooms; n += 1) await join(ann, `room-${n}`);
    await world.disconnect(ann);

    const back = await world.connect("ann", org, claims, { pid });

    expect(connected(back).sid).not.toBe(sid);
    expect(events(back)).toEqual([]);
    expect(world.isConnected(back)).toBe(true);
  });

  test("with a token that grants more while its session is connected, has that one cut, and cannot go back to it", async () => {
    const org = newOrg();
    await world.publish({ event: "limit:put", org, connections: 1 });
    const ann = await world.connect("ann", org);
    const { pid } = connected(ann);

    const anew = await world.connect("ann", org, { projects: ["p1", "p2", "p3"] }, { pid });
    expect([world.isConnected(ann), world.isConnected(anew)]).toEqual([false, true]);

    const back = await world.connect("ann", org, {}, { pid });
    expect([world.isConnected(back), world.isConnected(anew)]).toEqual([false, true]);
  });

  test.each([
    ["a pid of any length", { pid: "a".repeat(3000) }],
    [
      "an offset of a time that never is",
      { offset: "01ARZ3NDEKTSV4RRFFQ69G5FAV0000.999999999999999" },
    ],
    ["an offset of an id that is none", { offset: "81ARZ3NDEKTSV4RRFFQ69G5FAV0000.1700000000000" }],
  ])("with %s, gets a new one", async (_, named) => {
    const { org, ann, sid, pid } = await people();
    await world.disconnect(ann);

    const back = await world.connect("ann", org, {}, { pid, ...named });

    expect(connected(back).pid).toMatch(/^[\w-]{20}\.[\w-]{20}$/);
    expect(connected(back).sid).not.toBe(sid);
  });

  test("gets none where its DISCONNECT is handled after the end of its connection", async () => {
    const { org, ann, sid, pid } = await people();
    await world.disconnect(ann);
    await world.send(ann, "41");

    const back = await comeBack("ann", org, ann, pid);

    expect(connected(back).sid).not.toBe(sid);
    expect(await recordOf(sid)).toHaveProperty("endedAt");
  });
});

test("a session comes back although its client still names an offset of the one before", async () => {
  const { org, ann, ben, pid } = await people();
  await tell(ben, 1);
  const offset = offsetOf(ann);
  await world.disconnect(ann);
  world.pass(1_200_000);
  const other = await world.connect("ann", org, {}, { pid, offset });
  const next = connected(other);
  await join(other);
  await world.disconnect(other);
  await tell(ben, 2);

  const back = await world.connect("ann", org, {}, { pid: next.pid, offset });

  expect(connected(back).sid).toBe(next.sid);
  expect(heard(back)).toEqual([2]);
});
