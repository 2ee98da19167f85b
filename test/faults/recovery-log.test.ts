import { afterAll, describe, expect, inject, test } from "vitest";
import { until } from "../support/until.ts";
import { recovering } from "./recovering.ts";
import { createWorld } from "./world.ts";

const settings = { connectionStateRecovery: 120, fanOutPage: 2 };
const world = await createWorld(inject("assembly"), settings);
const off = await createWorld(inject("assembly"), { connectionStateRecovery: 0 });
afterAll(async () => {
  await world.stop();
  await off.stop();
});

const { newOrg, people, connected, join, tell, events, heard, comeBack, ...more } =
  recovering(world);
const { offsetOf, recordOf, putClub, joinClub } = more;

const todos = { projectId: "p1", collectionId: "todos" };

const ask = (connectionId: string, event: string, payload: object) =>
  world.send(connectionId, `421["${event}",${JSON.stringify(payload)}]`);

const create = (org: string, data: object) =>
  world.publish({ event: "db:create", org, ...todos, data });

/** Says hello to some rooms. */
const emit = (org: string, rooms: readonly string[]) => {
  const to = rooms.map((room) => ({ kind: "custom", room }));
  return world.publish({ event: "emit", org, to, name: "hello", payload: {} });
};

/** What a connection has heard of `emit`. */
const hellos = (connectionId: string) => events(connectionId).filter(([name]) => name === "hello");

/** Sockets in one room, more than one function takes care of, in the order of their ids. */
async function crowdOf(org: string) {
  const all = await Promise.all(
    Array.from({ length: 7 }, async (_, n) => {
      const user = `user-${n}`;
      const connectionId = await world.connect(user, org);
      await join(connectionId);
      return { user, connectionId, ...connected(connectionId) };
    }),
  );
  return all.toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
}

/** A call that writes marks of the log. */
const isMark = ({ RequestItems = {} }: { readonly RequestItems?: unknown }) =>
  JSON.stringify(RequestItems).includes('"done"');

describe("what is broadcast", () => {
  test("is replayed although a worker failed that was to post a part of it", async () => {
    const { org, ann, pid } = await people();
    for (let n = 0; n < 8; n += 1) await join(await world.connect(`user-${n}`, org));
    await world.disconnect(ann);
    let pages = 0;
    await world.failing(
      ({ ExpressionAttributeValues: values }) =>
        JSON.stringify(values ?? {}).includes('"room#') && ++pages === 2,
      () => emit(org, ["corner"]),
    );

    const back = await comeBack("ann", org, ann, pid);

    expect(pages).toBeGreaterThan(1);
    expect(events(back).map(([name]) => name)).toEqual(["hello"]);
  });

  test.each([
    ["is replayed where a worker is too late to post what it has begun with", 20_000, true],
    [
      "is not taken for received where a worker is so late that it may be: its sockets begin anew",
      40_000,
      false,
    ],
  ])("%s", async (_, delay, isBack) => {
    const org = newOrg();
    const [ann, ...others] = (await crowdOf(org)).toReversed();
    const held: [string, string][] = [];
    const { reached, release } = world.holdNext(({ ExpressionAttributeValues: values = {} }) => {
      const [after, upTo] = [String(values[":from"]), String(values[":to"])];
      const isOfWorker = others.some(({ sid }) => sid <= after);
      const isFirstPage = others.filter(({ sid }) => sid > after).length < settings.fanOutPage;
      const isOfAnn = after < String(ann?.sid) && String(ann?.sid) < upTo;
      const isHeld = isOfWorker && isFirstPage && isOfAnn;
      if (isHeld) held.push([after, upTo]);
      return isHeld;
    });
    const first = emit(org, ["corner"]);
    await reached;
    const isOutside = ({ sid }: { readonly sid: string }) =>
      held.every(([after, upTo]) => sid < after || sid > upTo);
    const heardAlready = others.filter(isOutside);
    await until(() => heardAlready.every((one) => hellos(one.connectionId).length > 0));
    world.pass(delay);
    await emit(org, ["corner"]);
    release();
    await first;

    const { user = "", connectionId = "", pid = "", sid } = ann ?? {};
    expect(hellos(connectionId)).toHaveLength(1);
    expect(world.isConnected(connectionId)).toBe(false);
    const back = await comeBack(user, org, connectionId, pid);

    expect(connected(back).sid === sid).toBe(isBack);
    expect(hellos(back)).toHaveLength(isBack ? 1 : 0);
  });

  describe.each([
    ["after some seconds", 10_000],
    ["when nothing of it may be posted any more", 20_000],
    ["when it may be taken for received", 40_000],
  ])("is told by a worker that comes late to its part, %s,", (_, delay) => {
    /** Of a crowd, the last one's part is taken care of by workers that wait, and the first one's is not. */
    async function waiting() {
      const org = newOrg();
      const [first, ...others] = await crowdOf(org);
      const { reached, release } = world.holdWorkers();
      const told = emit(org, ["corner"]);
      await reached;
      const comeBackAs = (one: typeof first) =>
        comeBack(one?.user ?? "", org, one?.connectionId ?? "", one?.pid ?? "");
      /** Lets the workers come, and something else be told to all. */
      async function goOn() {
        world.pass(delay);
        release();
        await told;
        world.pass(1000);
        await emit(org, ["corner"]);
      }
      return { first, last: others.at(-1), others, comeBackAs, goOn };
    }

    test("to all of that part", async () => {
      const { others, goOn } = await waiting();

      await goOn();

      for (const { connectionId } of others) {
        expect(hellos(connectionId)).toHaveLength(2);
        expect(world.isConnected(connectionId)).toBe(true);
      }
    });

    test("and to nobody again who comes back after it", async () => {
      const { first, last, comeBackAs, goOn } = await waiting();
      await goOn();

      for (const one of [first, last]) {
        await world.disconnect(one?.connectionId ?? "");
        const back = await comeBackAs(one);
        expect(connected(back).sid).toBe(one?.sid);
        expect(hellos(back)).toEqual([]);
      }
    });

    test("once to those who are away meanwhile", async () => {
      const { first, last, comeBackAs, goOn } = await waiting();
      for (const one of [first, last]) await world.disconnect(one?.connectionId ?? "");
      await goOn();

      for (const one of [first, last]) {
        const back = await comeBackAs(one);
        expect(connected(back).sid).toBe(one?.sid);
        expect(hellos(one?.connectionId ?? "").length + hellos(back).length).toBe(2);
      }
    });

    test("to nobody again who has come back before it", async () => {
      const { last, comeBackAs, goOn } = await waiting();
      await world.disconnect(last?.connectionId ?? "");
      const back = await comeBackAs(last);
      expect(hellos(back)).toHaveLength(1);

      await goOn();

      expect(hellos(back)).toHaveLength(2);
    });
  });

  test("is not replayed where it was sent to nobody because only a part of it could be logged", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    await join(ann, "room-0");
    const { sid, pid } = connected(ann);
    await world.disconnect(ann);
    // More than are written at once.
    const rooms = Array.from({ length: 30 }, (_, n) => `room-${n}`);
    let batches = 0;
    await world.failing(
      ({ RequestItems = {} }) => JSON.stringify(RequestItems).includes("log#") && ++batches === 2,
      () => expect(emit(org, rooms)).rejects.toThrow("throttled"),
    );

    const back = await world.connect("ann", org, {}, { pid });

    expect(connected(back).sid).toBe(sid);
    expect(events(back)).toEqual([]);
  });

  test("may have numbers larger than DynamoDB's, at once and as it is replayed", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    const { pid } = connected(ann);
    await ask(ann, "subscribe:collection", todos);
    await create(org, { _id: "x", wei: 2 ** 70, tiny: 1e-200 });
    await world.disconnect(ann);
    await create(org, { _id: "y", wei: 2 ** 70, tiny: 1e-200 });

    const back = await comeBack("ann", org, ann, pid);

    for (const [connectionId, _id] of [
      [ann, "x"],
      [back, "y"],
    ] as const)
      expect(events(connectionId).at(-1)).toMatchObject([
        "db:create",
        { data: { _id, wei: 2 ** 70, tiny: 1e-200 } },
        expect.any(String),
      ]);
  });

  test("is not kept as one that may still come once it no longer may, whatever marks are missing", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await world.disconnect(ann);
    await world.failing(isMark, () => tell(ben, 1));
    world.pass(60_000);

    const back = await comeBack("ann", org, ann, pid);

    expect(heard(back)).toEqual([1]);
    const record = await recordOf(sid);
    expect(record).toMatchObject({ state: "connected" });
    expect(record).not.toHaveProperty("replayed");
  });

  test("is replayed in a room that a socket was taken out of, and came into again, without a mark of that", async () => {
    const org = newOrg();
    await putClub(org, ["ann", "ben"]);
    const ann = await world.connect("ann", org);
    const ben = await world.connect("ben", org);
    const { pid } = connected(ann);
    for (const one of [ann, ben]) await joinClub(one);
    await world.failing(isMark, () => putClub(org, ["ben"]));
    world.pass(2000);
    await putClub(org, ["ann", "ben"]);
    world.pass(2000);
    await joinClub(ann);
    await world.disconnect(ann);
    world.pass(2000);
    const chat = { projectId: "p1", chatId: "club" };
    await ask(ben, "message:send", { ...chat, type: "text", content: "hi" });

    const back = await comeBack("ann", org, ann, pid);

    expect(JSON.stringify(events(back))).toContain('"hi"');
  });
});

describe("a match's copy of a packet", () => {
  /** Someone who gets a document as it is, and for each of two live queries. */
  async function matched() {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    await ask(ann, "subscribe:collection", todos);
    for (const queryId of ["a", "b"])
      await ask(ann, "subscribe:query", { ...todos, queryId, query: {} });
    await create(org, { _id: "x" });
    const copies = events(ann).filter(([name]) => name === "db:create");
    return { org, ann, pid: connected(ann).pid, copies };
  }

  const queryIdsOf = (sent: ReturnType<typeof events>) =>
    sent.map(([, payload]) => (payload as { readonly queryId?: string }).queryId);

  test.each([0, 1, 2])(
    "is replayed where it comes after copy %i, the last that came",
    async (last) => {
      const { org, ann, pid, copies } = await matched();
      expect(queryIdsOf(copies)).toEqual([undefined, "a", "b"]);
      await world.disconnect(ann);

      const back = await world.connect("ann", org, {}, { pid, offset: copies[last]?.[2] });

      expect(queryIdsOf(events(back))).toEqual(queryIdsOf(copies).slice(last + 1));
    },
  );
});

test("a reply during a recovery that broke off does not move the offset of its client", async () => {
  const { org, ann, ben, pid } = await people();
  await tell(ben, 1);
  const offset = offsetOf(ann);
  await world.disconnect(ann);
  for (const n of [2, 3, 4]) await tell(ben, n);
  let broken = "";
  const tryToComeBack = async () => {
    broken = await world.connect("ann", org, {}, { pid, offset }).catch(() => "");
  };
  for (let call = 1; heard(broken).length === 0; call += 1)
    await world.withFault(call, "dies before", tryToComeBack);
  const before = offsetOf(broken);
  world.pass(3000);
  await ask(broken, "subscribe:document", { ...todos, documentId: "d" });
  const during = offsetOf(broken);
  await world.disconnect(broken);

  const back = await comeBack("ann", org, broken, pid);

  expect(events(broken).at(-1)?.[0]).toBe("subscribed");
  expect(during).toBe(before);
  expect([...heard(broken), ...heard(back)]).toEqual([2, 3, 4]);
});

test("a session that began when none could come back may join rooms now that they can", async () => {
  const org = newOrg();
  const before = await off.connect("ann", org);
  const { sid } = recovering(off).connected(before);
  const record = await recovering(off).recordOf(sid);
  const ann = await world.connect("ann", org);
  const now = connected(ann).sid;
  const asNow = JSON.stringify(record).replaceAll(sid, now).replaceAll(before, ann);
  await world.fill([JSON.parse(asNow)]);

  await join(ann);
  await tell(ann, 1);

  expect(events(ann).map(([name]) => name)).toContain("custom:joined");
  expect(JSON.stringify(world.framesOf(ann))).not.toContain("internal");
});
