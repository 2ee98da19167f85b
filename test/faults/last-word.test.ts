import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { LATEST_WRITE, REREAD } from "../../lambdas/server/model/limits.ts";
import { ask, eventsReceivedBy, payloadsOf, sidOf } from "../support/asking.ts";
import type { CallInput } from "./commands.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());

let organisations = 0;
let org = "";
let ann = "";
let ben = "";
beforeEach(async () => {
  org = `org-${++organisations}`;
  [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];
});

const inP1 = { projectId: "p1" };

/** Handles two events of ann's in the order opposite to that in which they were received. */
async function inOppositeOrder(
  first: readonly [string, object?],
  second: readonly [string, object?],
): Promise<readonly unknown[]> {
  const held = world.holdNext(isOfAnn);
  const earlier = ask(world, ann, ...first);
  await held.reached;
  const later = await ask(world, ann, ...second);
  held.release();
  return [await earlier, later];
}

/** The first thing that is written for an event is the session's record. */
const isOfAnn = ({ Key, UpdateExpression }: CallInput) =>
  UpdateExpression !== undefined && Key?.pk === `sess#${sidOf(world, ann)}`;

const recordOf = async () =>
  (await world.items()).find(({ pk }) => pk === `sess#${sidOf(world, ann)}`) as {
    rooms: object;
    released: object;
    claims: Record<string, { place: string }>;
  };

const itemsIn = async (partition: string) =>
  (await world.items()).filter(({ pk, released }) => pk === partition && released !== true);

describe("of two events about one thing the one that was received later decides:", () => {
  const room = { room: "corner" };
  const listed = () => itemsIn(`room#${org}#/#custom#corner`);

  test("a leave that overtakes the join before it", async () => {
    const answers = await inOppositeOrder(["custom:join", room], ["custom:leave", room]);

    expect(answers).toEqual([room, room]);
    expect(await listed()).toEqual([]);
    expect(Object.keys((await recordOf()).rooms)).not.toContain("=custom#corner");
  });

  test("a join that overtakes the leave before it", async () => {
    await ask(world, ann, "custom:join", room);

    await inOppositeOrder(["custom:leave", room], ["custom:join", room]);

    expect(await listed()).toHaveLength(1);
    await ask(world, ben, "custom:broadcast", { ...inP1, ...room, event: "news" });
    expect(payloadsOf(world, ann, "custom:news")).toHaveLength(1);
  });

  test("two joins and a leave between them, the last of which comes first", async () => {
    const held = world.holdNext(isOfAnn);
    const first = ask(world, ann, "custom:join", room);
    await held.reached;
    const leaving = world.holdNext(isOfAnn);
    const left = ask(world, ann, "custom:leave", room);
    await leaving.reached;
    await ask(world, ann, "custom:join", room);
    leaving.release();
    await left;
    held.release();
    await first;

    expect(await listed()).toHaveLength(1);
    expect(Object.keys((await recordOf()).rooms)).toContain("=custom#corner");
  });

  test("presence:offline that overtakes presence:online", async () => {
    await ask(world, ben, "presence:online", inP1);

    await inOppositeOrder(["presence:online", inP1], ["presence:offline"]);

    const page = await ask(world, ben, "presence:get:online", inP1);
    expect(page).toMatchObject({ users: [{ userId: "ben" }] });
  });

  test("presence:online that overtakes presence:offline, after which it can go again", async () => {
    await ask(world, ben, "presence:online", inP1);
    await ask(world, ann, "presence:online", inP1);

    await inOppositeOrder(["presence:offline"], ["presence:online", inP1]);
    expect(await ask(world, ben, "presence:get:online", inP1)).toMatchObject({ count: 2 });

    await ask(world, ann, "presence:offline");
    expect(await ask(world, ben, "presence:get:online", inP1)).toMatchObject({ count: 1 });
    expect(eventsReceivedBy(world, ben).at(-2)?.[0]).toBe("presence:user:offline");
  });

  test("presence:offline that comes while presence:online is being stored", async () => {
    await ask(world, ben, "presence:online", inP1);
    const isEntering = ({ UpdateExpression }: CallInput) =>
      UpdateExpression?.startsWith("ADD sids") === true;
    const held = world.holdNext(isEntering);
    const coming = ask(world, ann, "presence:online", inP1);
    await held.reached;
    const isLeaving = ({ UpdateExpression }: CallInput) =>
      UpdateExpression?.startsWith("DELETE sids") === true;
    const leaving = world.holdNext(isLeaving);
    const going = ask(world, ann, "presence:offline");
    await leaving.reached;
    held.release();
    await coming;
    leaving.release();
    await going;

    expect(await ask(world, ben, "presence:get:online", inP1)).toMatchObject({
      users: [{ userId: "ben" }],
    });
  });

  test("of filters of one millisecond under one queryId one is left, and it is stored", async () => {
    const query = (collectionId: string) =>
      `42${JSON.stringify(["subscribe:query", { ...inP1, collectionId, queryId: "q" }])}`;
    const collections = ["c0", "c1", "c2"];
    for (let round = 0; round < 20; round += 1) {
      world.pass(1);
      await Promise.all(
        collections.toSorted(() => Math.random() - 0.5).map((one) => world.send(ann, query(one))),
      );

      const left = await Promise.all(collections.map((one) => itemsIn(`query#${org}#p1#${one}`)));
      const stored = collections.filter((_, index) => left[index]?.length === 1);
      expect(stored).toEqual([(await recordOf()).claims["=q"]?.place.split("#")[1]]);
    }
  });

  test("two filters under one queryId, in two collections", async () => {
    const query = (collectionId: string) =>
      ["subscribe:query", { ...inP1, collectionId, queryId: "q" }] as const;

    await inOppositeOrder(query("first"), query("second"));

    expect(await itemsIn(`query#${org}#p1#first`)).toEqual([]);
    expect(await itemsIn(`query#${org}#p1#second`)).toHaveLength(1);
    expect((await recordOf()).claims["=q"]?.place).toBe("p1#second");
  });

  test("three filters under one queryId at once leave one live query", async () => {
    const collections = ["first", "second", "third"];
    await Promise.all(
      collections.map((collectionId) =>
        ask(world, ann, "subscribe:query", { ...inP1, collectionId, queryId: "q" }),
      ),
    );

    const left = await Promise.all(collections.map((one) => itemsIn(`query#${org}#p1#${one}`)));
    expect(left.map((items) => items.length)).toEqual([0, 0, 1]);
  });
});

describe("what a session remembers of rooms that it has left", () => {
  const rooms = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ room: `r${from + n}` }));
  const leaveAll = async (from: number, count: number) => {
    for (const room of rooms(from, count)) await ask(world, ann, "custom:leave", room);
  };

  test("is bounded: a hundred within a minute or two, whether it was in them or not", async () => {
    await leaveAll(0, 100);

    expect(await ask(world, ann, "custom:leave", { room: "one more" })).toMatchObject({
      error: { code: "rate_limited", retryAfterMs: LATEST_WRITE },
    });
    expect(await ask(world, ann, "custom:join", { room: "another" })).toMatchObject({
      error: { code: "rate_limited" },
    });
    expect(Object.keys((await recordOf()).released)).toHaveLength(100);
  });

  test("never keeps it from leaving a room that it is in", async () => {
    await ask(world, ann, "custom:join", { room: "own" });
    await leaveAll(0, 100);

    expect(await ask(world, ann, "custom:leave", { room: "own" })).toEqual({ room: "own" });
    expect(await itemsIn(`room#${org}#/#custom#own`)).toEqual([]);
  });

  test("is forgotten once nothing can come late, and so are the tombstones", async () => {
    for (const room of rooms(0, 20)) await ask(world, ann, "custom:join", room);
    await leaveAll(0, 20);
    world.pass(LATEST_WRITE);

    await world.sweep();

    const tombstones = (await world.items()).filter(
      ({ pk, released }) => released === true && String(pk).includes(`#${org}#`),
    );
    expect(tombstones).toEqual([]);
    expect((await recordOf()).released).toEqual({});
  });

  test("is finished by the next leave where the first one broke off", async () => {
    const room = { room: "corner" };
    await ask(world, ann, "custom:join", room);
    const isTombstone = ({ Item }: CallInput) => Item?.released === true;
    await world.failing(isTombstone, () => ask(world, ann, "custom:leave", room));
    expect(await itemsIn(`room#${org}#/#custom#corner`)).toHaveLength(1);

    expect(await ask(world, ann, "custom:leave", room)).toEqual(room);
    expect(await itemsIn(`room#${org}#/#custom#corner`)).toEqual([]);
  });

  test("is finished by the sweep where nobody leaves again", async () => {
    const room = { room: "corner" };
    await ask(world, ann, "custom:join", room);
    const isTombstone = ({ Item }: CallInput) => Item?.released === true;
    await world.failing(isTombstone, () => ask(world, ann, "custom:leave", room));

    await world.sweep();
    expect(await itemsIn(`room#${org}#/#custom#corner`)).toEqual([]);
  });

  test("does not keep it from joining rooms once it is old, however much it is", async () => {
    for (const room of rooms(0, 180)) await ask(world, ann, "custom:join", room);
    await leaveAll(0, 180);
    world.pass(LATEST_WRITE + 1000);

    expect(await ask(world, ann, "custom:join", { room: "new" })).toEqual({ room: "new" });
    expect(Object.keys((await recordOf()).released)).toEqual([]);
  });

  test("never keeps it from ending, and nothing is left", async () => {
    await leaveAll(0, 100);
    await ask(world, ann, "presence:online", inP1);
    await world.disconnect(ann);
    await world.sweep();
    await world.sweep();

    const left = (await world.items()).filter((item) => JSON.stringify(item).includes(ann));
    expect(left).toEqual([]);
  });
});

test("a function reads whose connection it is once in five seconds", async () => {
  const typing = () => ask(world, ann, "custom:typing", { ...inP1, isTyping: true });
  const reads = async () => (await world.costOf(typing)).reads;
  await typing();
  const known = await reads();

  world.pass(REREAD);
  expect(await reads()).toBe(known + 1);
  expect(await reads()).toBe(known);
});

test("a session that another function has ended is served for five seconds at most", async () => {
  await ask(world, ben, "subscribe:project", inP1);
  await ask(world, ann, "custom:event", inP1);
  // The function that publishes ends it; this one has not heard of it.
  await world.publish({ event: "revoke", org, target: { userId: "ann" } });
  world.pass(REREAD);

  expect(await ask(world, ann, "custom:event", inP1)).toBe(undefined);
  expect(payloadsOf(world, ben, "custom:event")).toHaveLength(1);
});

describe("a DISCONNECT", () => {
  const said = { ...inP1, chatId: "c", type: "text", content: "hello" };

  test("ends the session for all that was received later, and for nothing that was before", async () => {
    const send = async (frame: string) => {
      world.pass(1);
      await world.send(ann, frame);
    };
    const held = world.holdNext(({ Key }) => String(Key?.pk).startsWith(`chat#${org}`));
    const before = ask(world, ann, "message:send", said);
    await held.reached;
    await send("41");
    held.release();
    await before;
    await send(`421${JSON.stringify(["message:send", said])}`);

    const stored = (await world.items()).filter(({ sk }) => String(sk).startsWith("message#"));
    expect(stored).toHaveLength(1);
  });

  test("leaves the slot of the next session on its connection to that, whatever the sweep does", async () => {
    await world.publish({ event: "limit:put", org, connections: 3 });
    const eve = await world.connect("eve", org);
    await world.send(eve, "41");
    world.pass(10_000);
    const claims = { sub: "eve", org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
    await world.send(eve, `40${JSON.stringify({ token: JSON.stringify(claims) })}`);

    await world.sweep();

    const slots = (await world.items()).filter(({ pk }) => pk === `slots#${org}`);
    expect(slots).toMatchObject([{ sid: sidOf(world, eve) }]);
  });

  test("keeps the frames of the session before it apart from those of the next, however late", async () => {
    await ask(world, ben, "subscribe:project", inP1);
    const receivedAt = world.now();
    world.pass(1);
    await world.send(ann, "41");
    world.pass(10_000);
    const claims = { sub: "zoe", org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
    await world.send(ann, `40${JSON.stringify({ token: JSON.stringify(claims) })}`);

    await world.send(ann, `42${JSON.stringify(["custom:event", inP1])}`, receivedAt);

    expect(payloadsOf(world, ben, "custom:event")).toMatchObject([{ sender: "ann" }]);
  });

  test("leaves the connection to a new session, which is another user's if it says so", async () => {
    const before = sidOf(world, ann);
    await world.send(ann, "41");
    world.pass(10_000);
    const claims = { sub: "zoe", org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
    await world.send(ann, `40${JSON.stringify({ token: JSON.stringify(claims) })}`);

    expect(world.isConnected(ann)).toBe(true);
    expect(sidOf(world, ann)).not.toBe(before);
    await ask(world, ben, "subscribe:project", inP1);
    await ask(world, ann, "custom:event", inP1);
    expect(payloadsOf(world, ben, "custom:event")).toMatchObject([{ sender: "zoe" }]);
    expect((await world.items()).find(({ pk }) => pk === `room#${org}#/#user#ann`)).toBe(undefined);
  });
});
