import { afterAll, describe, expect, inject, test } from "vitest";
import type { CallInput } from "./commands.ts";
import { recovering } from "./recovering.ts";
import { createWorld, type Fault } from "./world.ts";

const world = await createWorld(inject("assembly"), { connectionStateRecovery: 120 });
afterAll(() => world.stop());

const { newOrg, people, connected, join, tell, events, heard, comeBack, ...more } =
  recovering(world);
const { offsetOf, recordsOf, roomsOf, putClub, awayFromClub } = more;

describe("a socket that comes back", () => {
  test("is the same one, in its rooms, and gets what it has missed, in order and once", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await tell(ben, 1);
    await world.disconnect(ann);
    await tell(ben, 2);
    await tell(ben, 3);

    const back = await comeBack("ann", org, ann, pid);
    await tell(ben, 4);

    expect(connected(back)).toEqual({ sid, pid });
    expect([...heard(ann), ...heard(back)]).toEqual([1, 2, 3, 4]);
  });

  test("may do so again and again, before its first event, and while its old connection looks alive", async () => {
    const { org, ann, ben, sid, pid } = await people();
    let last = ann;
    const all: number[] = [];
    for (const n of [1, 2, 3, 4]) {
      if (n % 2 === 0) await world.disconnect(last);
      else world.drop(last);
      await tell(ben, n);
      last = await comeBack("ann", org, last, pid);
      expect(connected(last)).toEqual({ sid, pid });
      all.push(...heard(last));
    }

    expect(all).toEqual([1, 2, 3, 4]);
  });

  test("gets what was posted to a connection that only looked alive", async () => {
    const { org, ann, ben, pid } = await people();
    await tell(ben, 1);
    const until = offsetOf(ann);
    // API Gateway takes posts for a dead connection for a while.
    await tell(ben, 2);
    await tell(ben, 3);

    const back = await world.connect("ann", org, {}, { pid, offset: until });

    expect(heard(back)).toEqual([2, 3]);
    expect(world.isConnected(ann)).toBe(false);
  });

  test("has not missed what it received although its $disconnect comes after the return", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await tell(ben, 1);
    world.drop(ann);
    const back = await comeBack("ann", org, ann, pid);
    await world.disconnect(ann);
    await tell(ben, 2);

    expect(connected(back).sid).toBe(sid);
    expect(heard(back)).toEqual([2]);
  });

  test("is the same one although an event was under way as its connection was cut", async () => {
    const { org, ann, sid, pid } = await people();
    await world.disconnect(ann);
    world.pass(1);
    await join(ann, "den");

    const back = await comeBack("ann", org, ann, pid);

    expect(connected(back)).toEqual({ sid, pid });
  });

  test("does not hear what was sent to a room before it came or after it left", async () => {
    const { org, ann, ben, pid } = await people();
    await join(ben, "den");
    await tell(ben, 1, "den");
    world.pass(31_000);
    await join(ann, "den");
    await tell(ben, 2, "den");
    await world.send(ann, '421["custom:leave",{"room":"den"}]');
    await world.disconnect(ann);
    await tell(ben, 3, "den");

    const back = await world.connect("ann", org, {}, { pid });

    expect(heard(back)).toEqual([]);
  });

  test("does not get what is volatile", async () => {
    const { org, ann, ben, pid } = await people();
    await tell(ben, 1);
    await world.disconnect(ann);
    await world.send(ben, '422["custom:typing",{"projectId":"p1","room":"corner"}]');

    const back = await comeBack("ann", org, ann, pid);

    expect(events(back)).toEqual([]);
  });
});

describe("what a client comes back with is of no use", () => {
  const isNew = (back: string, sid: string) => {
    expect(connected(back).sid).not.toBe(sid);
    expect(heard(back)).toEqual([]);
  };

  test("to another user, and to another organisation", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await world.disconnect(ann);
    await tell(ben, 1);

    for (const back of [
      await world.connect("eve", org, {}, { pid }),
      await world.connect("ann", newOrg(), {}, { pid }),
      await world.connect("ann", org, { projects: ["p2"] }, { pid }),
      await world.connect("ann", org, {}, { pid: `${pid}x` }),
      await world.connect("ann", org, {}, { pid, offset: "an argument" }),
    ])
      isNew(back, sid);
  });

  test("after the window, and after a DISCONNECT", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await world.disconnect(ann);
    await tell(ben, 1);
    world.pass(121_000);
    isNew(await world.connect("ann", org, {}, { pid }), sid);

    const left = connected(ben);
    await world.send(ben, "41");
    isNew(await world.connect("ben", org, {}, { pid: left.pid }), left.sid);
  });

  test("after a revocation, which finds those away too", async () => {
    const { org, ann, sid, pid } = await people();
    await world.disconnect(ann);
    await world.publish({ event: "revoke", org, target: { userId: "ann" } });
    await world.publish({ event: "restore", org, target: { userId: "ann" } });

    isNew(await world.connect("ann", org, {}, { pid }), sid);
  });
});

test("a socket that was taken out of a room while it was away is not in it when it is back", async () => {
  const { org, sid, pid } = await awayFromClub();
  await putClub(org, ["ben"]);

  const back = await world.connect("ann", org, {}, { pid });

  expect(connected(back).sid).toBe(sid);
  expect(await roomsOf(sid)).toContain("org");
  expect(await roomsOf(sid)).not.toContain("chat#p1#club");
  expect(
    (await world.items()).filter(
      ({ pk, released }) => pk === `room#${org}#/#chat#p1#club` && released !== true,
    ),
  ).toEqual([]);
});

test("a live query is filled from its collection's log", async () => {
  const org = newOrg();
  const ann = await world.connect("ann", org);
  const { pid } = connected(ann);
  const todos = { projectId: "p1", collectionId: "todos" };
  const query = { ...todos, queryId: "open", query: { done: false } };
  await world.send(ann, `421["subscribe:query",${JSON.stringify(query)}]`);
  await world.disconnect(ann);
  const create = (id: string, done: boolean) =>
    world.publish({ event: "db:create", org, ...todos, data: { _id: id, done } });
  await create("a", false);
  await create("b", true);

  const back = await world.connect("ann", org, {}, { pid });
  await create("c", false);

  const found = events(back).map(
    ([, payload]) => payload as { readonly queryId: string; readonly data: { _id: string } },
  );
  expect(found.map(({ queryId, data: { _id } }) => [queryId, _id])).toEqual([
    ["open", "a"],
    ["open", "c"],
  ]);
});

test("a session that nobody comes back to ends with the window, and leaves nothing", async () => {
  const { ann, ben, sid } = await people();
  await world.disconnect(ann);
  world.pass(121_000);
  await world.sweepLost();
  await world.sweepLost();

  expect(await recordsOf(sid)).toEqual([]);
  expect(world.isConnected(ben)).toBe(true);
});

describe("the presence of a user whose connection is lost", () => {
  const notices = (connectionId: string) =>
    events(connectionId).flatMap(([name, payload]) =>
      name.startsWith("presence:user:")
        ? [`${(payload as { readonly userId: string }).userId} ${name.split(":")[2]}`]
        : [],
    );

  /** Ann is online, and ben watches. */
  async function watched() {
    const { org, ann, ben, pid } = await people();
    await world.send(ben, '421["subscribe:project","p1"]');
    await world.send(ann, '421["presence:online",{"projectId":"p1"}]');
    expect(notices(ben)).toEqual(["ann online"]);
    return { org, ann, ben, pid };
  }

  test("is kept for the grace, and nobody is told of what comes back in time", async () => {
    const { org, ann, ben, pid } = await watched();
    await world.disconnect(ann);
    world.pass(19_000);
    await world.sweepLost(0);
    await comeBack("ann", org, ann, pid);
    await world.sweepLost(0);

    expect(notices(ben)).toEqual(["ann online"]);
  });

  test("ends after the grace, once, and begins again where the socket comes back after that", async () => {
    const { org, ann, ben, pid } = await watched();
    await world.disconnect(ann);
    world.pass(21_000);
    for (let again = 0; again < 2; again += 1) await world.sweepLost(0);
    expect(notices(ben)).toEqual(["ann online", "ann offline"]);

    const back = await comeBack("ann", org, ann, pid);
    expect(notices(ben)).toEqual(["ann online", "ann offline", "ann online"]);

    await world.send(back, '421["presence:offline"]');
    expect(notices(ben).at(-1)).toBe("ann offline");
  });

  test.each([
    [
      "stored",
      ({ UpdateExpression = "" }: CallInput) => String(UpdateExpression).startsWith("ADD sids"),
    ],
    [
      "announced",
      ({ ExpressionAttributeValues: values = {} }: CallInput) =>
        /^room#[^#]+#\/#project#p1$/.test(String(values[":room"])),
    ],
  ])(
    "begins again with the next return where that could not be %s with the first",
    async (_, fails) => {
      const { org, ann, ben, pid } = await watched();
      await world.disconnect(ann);
      world.pass(21_000);
      await world.sweepLost(0);
      let back = ann;
      await world.failing(fails, async () => {
        back = await comeBack("ann", org, ann, pid);
      });
      expect(world.isConnected(back)).toBe(false);
      expect(notices(ben)).toEqual(["ann online", "ann offline"]);

      await comeBack("ann", org, back, pid);

      expect(notices(ben)).toEqual(["ann online", "ann offline", "ann online"]);
    },
  );

  test("ends wherever the sweep dies that was to announce it, once its socket cannot come back", async () => {
    const sweepAway = async (call: number, fault?: Fault) => {
      const { ann, ben } = await watched();
      await world.disconnect(ann);
      world.pass(21_000);
      const sweep = () => world.sweepLost(0).catch(() => undefined);
      const { calls } = await world.withFault(call, fault, sweep);
      for (let again = 0; again < 3; again += 1) await world.sweepLost();
      return { calls, heard: notices(ben) };
    };
    const { calls, heard } = await sweepAway(0);
    expect(heard).toEqual(["ann online", "ann offline"]);
    for (let call = 1; call <= calls; call += 1) {
      const { heard } = await sweepAway(call, "dies before");
      expect([call, [...new Set(heard)]]).toEqual([call, ["ann online", "ann offline"]]);
    }
    expect(calls).toBeGreaterThan(4);
  });

  test("does not begin again where it was ended before the socket lost its connection", async () => {
    const { org, ann, ben, pid } = await watched();
    await world.send(ann, '421["presence:offline"]');
    world.pass(1000);
    await world.disconnect(ann);
    world.pass(21_000);
    await world.sweepLost(0);

    await comeBack("ann", org, ann, pid);

    expect(notices(ben)).toEqual(["ann online", "ann offline"]);
  });

  test("ends at once with a DISCONNECT", async () => {
    const { ann, ben } = await watched();
    await world.send(ann, "41");

    expect(notices(ben)).toEqual(["ann online", "ann offline"]);
  });

  test("is not told to end where another tab has come in its place", async () => {
    const { org, ann, ben } = await watched();
    await world.disconnect(ann);
    const tab = await world.connect("ann", org);
    await world.send(tab, '421["presence:online",{"projectId":"p1"}]');
    world.pass(21_000);
    await world.sweepLost(0);
    world.pass(121_000);
    await world.sweepLost();

    expect(notices(ben)).toEqual(["ann online"]);
  });
});

test("a socket that is disconnected cannot come back, although its client went before that was noted", async () => {
  const { org, ann, sid, pid } = await people();
  const held = world.holdNext(
    ({ Key, UpdateExpression }) =>
      String(Key?.pk).startsWith("conn#") && String(UpdateExpression).includes("endedAt"),
  );
  const revoked = world.publish({ event: "revoke", org, target: { userId: "ann" } });
  await held.reached;
  await world.disconnect(ann);
  held.release();
  await revoked;
  await world.publish({ event: "restore", org, target: { userId: "ann" } });

  const back = await world.connect("ann", org, {}, { pid });

  expect(connected(back).sid).not.toBe(sid);
  expect((await recordsOf(sid)).filter(({ endedAt }) => endedAt === undefined)).toEqual([]);
});

test("a socket that comes back costs four calls where a new one costs one, a query and an update a room, and what it has missed", async () => {
  const { org, ann, ben, pid } = await people();
  const fresh = await world.costOf(() => world.connect("cat", org));
  await world.disconnect(ann);
  await tell(ben, 1);

  const { reads, writes, posts } = await world.costOf(() => comeBack("ann", org, ann, pid));

  const rooms = ["org", "user", "corner"].length;
  expect({ reads, writes, posts }).toEqual({
    reads: fresh.reads + 2 + rooms,
    writes: fresh.writes - 1 + 2 + rooms,
    posts: fresh.posts + 1,
  });
});

test("a change that matches a query of a socket in its collection's room costs the log, the mark, and nothing to settle", async () => {
  const org = newOrg();
  const ann = await world.connect("ann", org);
  const todos = { projectId: "p1", collectionId: "todos" };
  await world.send(ann, `421["subscribe:collection",${JSON.stringify(todos)}]`);
  await world.send(ann, `421["subscribe:query",${JSON.stringify({ ...todos, queryId: "all" })}]`);

  const { writes, posts } = await world.costOf(() =>
    world.publish({ event: "db:create", org, ...todos, data: { _id: "a" } }),
  );

  expect({ writes, posts }).toEqual({ writes: 2, posts: 2 });
});
