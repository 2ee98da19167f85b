import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createMatching } from "../../lambdas/mudbase/matching.ts";
import { projectRoom, type Room, userRoom } from "../../lambdas/mudbase/rooms.ts";
import { createQueries } from "../../lambdas/mudbase/store/queries.ts";
import { createLinks } from "../../lambdas/server/engine/transports/links.ts";
import { createTransport } from "../../lambdas/server/engine/transports/transport.ts";
import { divideRest, EVERYBODY, type KeyRange } from "../../lambdas/server/model/key-range.ts";
import type { Listed } from "../../lambdas/server/model/session.ts";
import { type Delivered, deliver, type FanOutJob } from "../../lambdas/server/pipeline/deliver.ts";
import type { Emission } from "../../lambdas/server/socket/emit-buffer.ts";
import type { Table } from "../../lambdas/server/store/table.ts";
import { sessionIds } from "../support/session-ids.ts";
import { SILENT } from "../support/silent.ts";

const id = fc.stringMatching(/^[\w-]{8,20}$/);
const isIn = ({ after, upTo }: KeyRange, sid: string) =>
  (after === undefined || sid > after) && (upTo === undefined || sid <= upTo);

describe("what is left of a key range", () => {
  test("is divided so that every id is in exactly one part, and there are not too many", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(id, { minLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        (ids, most) => {
          const [after, cut, ...others] = ids.toSorted((a, b) => (a < b ? -1 : 1));
          const upTo = others.at(-1);
          for (const range of [EVERYBODY, { after, upTo, without: [] }]) {
            const parts = divideRest(range, cut ?? "", most);
            expect(parts.length).toBeLessThanOrEqual(most);
            for (const other of others.filter((one) => isIn(range, one)))
              expect(parts.filter((part) => isIn(part, other))).toHaveLength(1);
            expect(parts.some((part) => isIn(part, cut ?? ""))).toBe(false);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("is divided fairly where ids are random", () => {
    const ids = sessionIds(5000);
    const sorted = ids.toSorted((a, b) => (a < b ? -1 : 1));
    const parts = divideRest(EVERYBODY, sorted[500] ?? "", 16);

    const sizes = parts.map((part) => ids.filter((one) => isIn(part, one)).length);
    expect(sizes.length).toBeGreaterThanOrEqual(6);
    expect(Math.max(...sizes)).toBeLessThan(1500);
  });
});

const ORG = "acme";
const [first, second, left] = [projectRoom("p1"), projectRoom("p2"), userRoom("ben")];

const key = { projectId: "p1", collectionId: "todos" };

interface SmallQuery {
  readonly ExpressionAttributeValues: { readonly ":after": string; readonly ":upTo": string };
  readonly Limit: number;
}

/** Live queries of one collection, by connection, all of which match, read as from a table of small pages. */
function liveQueriesOf(held: ReadonlyMap<string, readonly string[]>, pageSize: number) {
  const all = [...held]
    .flatMap(([sid, ids]) =>
      ids.map((id) => ({ sk: `${sid}#${id}`, address: sid, queryId: id, filter: "{}" })),
    )
    .toSorted((a, b) => (a.sk < b.sk ? -1 : 1));
  const table = {
    async *pages({ ExpressionAttributeValues: values, Limit }: SmallQuery) {
      const within = all.filter(({ sk }) => sk >= values[":after"] && sk <= values[":upTo"]);
      for (let from = 0; from <= within.length; from += Limit) {
        const items = within.slice(from, from + Limit);
        yield { items, count: items.length, last: items.length < Limit ? undefined : items.at(-1) };
      }
    },
  } as unknown as Table;
  const queries = createQueries({ table, now: Date.now }, 1);
  return createMatching(
    { queries: { page: (org, _, range) => queries.page(org, key, range, pageSize) } },
    { telemetry: SILENT },
  );
}

/** Delivers with pages of this size, and with everything that other functions deliver; gives what each was sent. */
async function deliverAll(
  emissions: readonly Emission[],
  members: ReadonlyMap<string, readonly string[]>,
  pageSize: number,
  held: ReadonlyMap<string, readonly string[]> = new Map(),
) {
  const heard = new Map<string, string[]>();
  const sorted = new Map(
    [...members].map(([room, ids]) => [room, ids.toSorted((a, b) => (a < b ? -1 : 1))]),
  );
  let functions = 0;
  let empty = 0;
  let depth = 0;
  let largest = 0;
  let mostPosts = 0;
  const listed = (sid: string): Listed => ({
    ...{ sid, connectionId: sid, connectedAt: 0, userId: "someone" },
  });
  const run = async (job: FanOutJob, level: number): Promise<Delivered> => {
    functions += 1;
    depth = Math.max(depth, level);
    const json = JSON.stringify(job);
    largest = Math.max(largest, Buffer.byteLength(json));
    const delivered = await deliver(JSON.parse(json) as FanOutJob, {
      pageSize,
      now: Date.now,
      matching: liveQueriesOf(held, pageSize),
      rooms: {
        async page({ room }, range, most) {
          const all = (sorted.get(room) ?? []).filter((one) => isIn(range, one));
          const page = all.slice(0, most);
          const isWhole = page.length === all.length;
          return { members: page.map(listed), ...(!isWhole && { until: page.at(-1) }) };
        },
        join: async () => [],
        leave: async () => [],
        among: async ({ room }, ids) =>
          ids.filter((one) => sorted.get(room)?.includes(one)).map(listed),
      },
      async post(connectionId, frames) {
        heard.set(connectionId, [...(heard.get(connectionId) ?? []), ...frames]);
        return "sent";
      },
      invokeWorker: async (rest) => void (await run(rest, level + 1)),
    });
    if (delivered.recipients === 0) empty += 1;
    mostPosts = Math.max(mostPosts, delivered.posts);
    return delivered;
  };
  await run({ emissions, range: EVERYBODY }, 1);
  return { heard, functions, empty, depth, largest, mostPosts };
}

const toRooms = (
  rooms: readonly Room[],
  except: readonly Room[],
  frame: string,
  sender?: string,
) => ({
  audience: { tenant: ORG, nsp: "/", rooms, except, sender },
  frames: [frame],
});

describe("however small the page of a room is", () => {
  test("every socket gets its packets once, in the order emitted, and nobody else any", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 7 })),
        fc.integer({ min: 2, max: 9 }),
        async (ids, inRooms, pageSize) => {
          const bits = ids.map((one) => [one, inRooms.next().value as number] as const);
          const inRoom = (bit: number) => bits.filter(([, of]) => of & bit).map(([one]) => one);
          const members = new Map([
            [first, inRoom(1)],
            [second, inRoom(2)],
            [left, inRoom(4)],
          ]);
          const [caller = ""] = ids;

          const { heard } = await deliverAll(
            [
              toRooms([first, second], [], "to both"),
              toRooms([first], [left], "but for some"),
              toRooms([second], [], "to others", caller),
              { audience: { sid: caller, connectionId: caller, nsp: "/" }, frames: ["reply"] },
            ],
            members,
            pageSize,
          );

          for (const [one, of] of bits)
            expect(heard.get(one) ?? []).toEqual([
              ...(of & 3 ? ["to both"] : []),
              ...(of & 1 && !(of & 4) ? ["but for some"] : []),
              ...(of & 2 && one !== caller ? ["to others"] : []),
              ...(one === caller ? ["reply"] : []),
            ]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("the time of a broadcast grows with the logarithm of the room, its functions with its size", async () => {
  const emissions = [toRooms([first], [], "news")];
  const of = async (size: number) => {
    const ids = sessionIds(size);
    const { heard, functions, depth } = await deliverAll(emissions, new Map([[first, ids]]), 20);
    expect(heard.size).toBe(new Set(ids).size);
    return { functions, depth };
  };

  const [small, large, huge] = [await of(200), await of(2000), await of(8000)];
  expect(small.depth).toBeLessThanOrEqual(3);
  expect(large.depth).toBeLessThanOrEqual(5);
  expect(huge.depth).toBeLessThanOrEqual(6);
  expect(huge.functions).toBeLessThan((8000 / 20) * 2);
});

test.each([
  [5000, 3],
  [100_000, 5],
])(
  "a room of %i is heard once, through at most %i levels of functions of which nearly all find somebody",
  async (size, levels) => {
    const ids = sessionIds(size);
    const emissions = [toRooms([first], [], "news")];

    const { heard, functions, empty, depth } = await deliverAll(
      emissions,
      new Map([[first, ids]]),
      1000,
    );

    expect(heard.size).toBe(size);
    for (const frames of heard.values()) expect(frames).toEqual(["news"]);
    expect(depth).toBeLessThanOrEqual(levels);
    expect(empty / functions).toBeLessThanOrEqual(0.05);
    expect(functions).toBeLessThanOrEqual((2 * size) / 1000);
  },
);

describe("live queries", () => {
  const watching = (rooms: readonly Room[], frame: string, document: object = {}): Emission => ({
    audience: {
      tenant: ORG,
      nsp: "/",
      rooms,
      except: [],
      criteria: { key, documents: [document] },
    },
    frames: [frame],
  });

  test("get a copy each, after the room's and before what is emitted next, however small the page", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 4 })),
        fc.integer({ min: 2, max: 9 }),
        async (ids, numbers, pageSize) => {
          const inRoom = ids.filter(() => (numbers.next().value as number) > 1);
          const held = new Map(
            ids.map((one) => [
              one,
              Array.from({ length: numbers.next().value as number }, (_, n) => `q"${n}`),
            ]),
          );

          const { heard } = await deliverAll(
            [watching([first], '42["db:create",{"n":1}]'), toRooms([first], [], "next")],
            new Map([[first, inRoom]]),
            pageSize,
            held,
          );

          for (const one of ids)
            expect(heard.get(one) ?? []).toEqual([
              ...(inRoom.includes(one) ? ['42["db:create",{"n":1}]'] : []),
              ...(held.get(one) ?? []).map(
                (queryId) => `42["db:create",${JSON.stringify({ n: 1, queryId })}]`,
              ),
              ...(inRoom.includes(one) ? ["next"] : []),
            ]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("of a large document are divided like rooms, and no function is handed more than Lambda takes", async () => {
    const ids = sessionIds(2000);
    const document = { _id: 1, text: '"'.repeat(60_000) };
    const frame = `42["db:update",${JSON.stringify({ data: document })}]`;

    const { heard, functions, largest, mostPosts } = await deliverAll(
      [watching([], frame, document)],
      new Map(),
      100,
      new Map(ids.map((one) => [one, ["q"]])),
    );

    expect(heard.size).toBe(new Set(ids).size);
    expect([...heard.values()].every((frames) => frames.length === 1)).toBe(true);
    expect(mostPosts).toBeLessThanOrEqual(101);
    expect(functions).toBeLessThan((2000 / 100) * 2.5);
    expect(largest).toBeLessThan(1_000_000);
  });
});

describe("a post that comes too late", () => {
  let time = 0;
  const done: string[] = [];
  const { post } = createTransport({
    queues: {
      async append(connectionId) {
        done.push(connectionId);
        time += 1000;
        return { link: "link" };
      },
      close: async () => undefined,
    },
    webSocket: {
      async post(connectionId) {
        done.push(connectionId);
        return "sent";
      },
      close: async () => undefined,
    },
    ...{ links: createLinks(), newId: () => "id", now: () => time },
    pause: async () => undefined,
  });
  beforeEach(() => {
    time = 1000;
    done.length = 0;
  });

  test.each(["abc=", "poll:1"])("is not begun for %s", async (connectionId) => {
    await expect(post(connectionId, ["2"], 999)).rejects.toThrow("too late");

    expect(done).toEqual([]);
  });

  test("is not begun by the WebSocket that its client turns out to have upgraded to", async () => {
    await expect(post("poll:1", ["2"], 1500)).rejects.toThrow("too late");

    expect(done).toEqual(["poll:1"]);
  });
});

describe("a packet of several frames for a client that polls", () => {
  /** What was appended in each write; with a link once as many writes were made. */
  function transportOver(writes = Number.POSITIVE_INFINITY) {
    const appended: (readonly string[])[] = [];
    const posted: string[] = [];
    const { post } = createTransport({
      queues: {
        async append(_, packets) {
          // Other packets come meanwhile.
          await Promise.resolve();
          if (appended.length >= writes) return { link: "link" };
          appended.push(packets);
          return "appended";
        },
        close: async () => undefined,
      },
      webSocket: {
        async post(_, frame) {
          posted.push(frame);
          return "sent";
        },
        close: async () => undefined,
      },
      ...{ links: createLinks(), newId: () => "id", now: () => 1000 },
      pause: async () => undefined,
    });
    return { post, appended, posted };
  }
  const large = "b".repeat(100_000);

  test("is appended in one write, and so is another one: no other packet comes between its frames", async () => {
    const { post, appended } = transportOver();

    await Promise.all([
      post("poll:1", ["first"]),
      ...Array.from({ length: 10 }, (_, n) => post("poll:1", [`header ${n}`, `attachment ${n}`])),
    ]);

    const frames = appended.flat();
    for (let n = 0; n < 10; n += 1)
      expect(frames[frames.indexOf(`header ${n}`) + 1]).toBe(`attachment ${n}`);
    expect(appended.every((packets) => packets.length <= 16)).toBe(true);
    for (const packets of appended.slice(1)) expect(packets[0]).toMatch(/^header/);
  });

  test("is appended frame by frame where it would never fit at once", async () => {
    const { post, appended } = transportOver();

    expect(await post("poll:1", ["header", large, large])).toBe("sent");

    expect(appended).toEqual([["header"], [large], [large]]);
  });

  test("goes on by the WebSocket that its client has upgraded to", async () => {
    const { post, appended, posted } = transportOver(2);

    expect(await post("poll:1", ["header", large, large])).toBe("sent");

    expect(appended).toEqual([["header"], [large]]);
    expect(posted).toEqual([large]);
  });
});
