import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { LATEST_WRITE } from "../../lambdas/server/model/limits.ts";
import { CONNECTION_ITEM } from "../support/connection-items.ts";
import type { CallInput } from "./commands.ts";
import { recovering } from "./recovering.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const { connected, heard, join, people, recordOf, tell } = recovering(world);

const leave = (connectionId: string) =>
  world.send(connectionId, '421["custom:leave",{"room":"den"}]');

/** A minute in which the only shard is due. */
const MINUTE_OF_SHARD = 0;

/** What a room lists, tombstones included. */
const listedIn = async (org: string, room: string) =>
  (await world.items()).filter(({ pk }) => pk === `room#${org}#/#custom#${room}`);

/** The put of a member, or of its tombstone, in the den. */
const isPut = ({ Item }: CallInput): boolean => String(Item?.pk).endsWith("#custom#den");

/** Does something between the time at which a command is noted, and at which its put in the den is made. */
async function beforePut<Result>(
  command: () => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  const held = world.holdNext(isPut);
  const commanded = command();
  await held.reached;
  const result = await work();
  held.release();
  await commanded;
  return result;
}

/** Comes back so many times, each time after its connection was lost. */
async function comeBack(org: string, from: string, pid: string, times: number): Promise<string> {
  let last = from;
  for (let n = 0; n < times; n += 1) {
    await world.disconnect(last);
    last = await world.connect("ann", org, {}, { pid });
  }
  return last;
}

/** The items of connections that are left once a socket has ended, apart from what has ended. */
async function leftAfterDisconnectOf(connectionId: string) {
  await world.send(connectionId, "41");
  const items = await world.items();
  return items.filter(
    ({ pk, sk, endedAt }) =>
      CONNECTION_ITEM.test(String(pk)) &&
      endedAt === undefined &&
      `${pk}${sk}`.includes(connected(connectionId).sid),
  );
}

describe("nothing is left of a socket that has come back twice", () => {
  test("where a join was written after its connection was lost", async () => {
    const { org, ann, pid } = await people();
    await beforePut(
      () => join(ann, "den"),
      () => world.disconnect(ann),
    );

    const back = await comeBack(org, ann, pid, 2);

    expect(await leftAfterDisconnectOf(back)).toEqual([]);
  });

  test("where a join was written once it was back", async () => {
    const { org, ann, pid } = await people();
    const once = await beforePut(
      () => join(ann, "den"),
      () => comeBack(org, ann, pid, 1),
    );

    const back = await comeBack(org, once, pid, 1);

    expect(await leftAfterDisconnectOf(back)).toEqual([]);
  });

  test("where a leave was written after its connection was lost", async () => {
    const { org, ann, pid } = await people();
    await join(ann, "den");
    await beforePut(
      () => leave(ann),
      () => world.disconnect(ann),
    );

    const back = await comeBack(org, ann, pid, 2);

    expect(await leftAfterDisconnectOf(back)).toEqual([]);
  });

  test("where it had left a room and its connection still looked alive", async () => {
    const { org, ann, pid } = await people();
    await join(ann, "den");
    await leave(ann);
    const once = await world.connect("ann", org, {}, { pid });

    const back = await comeBack(org, once, pid, 1);

    expect(await leftAfterDisconnectOf(back)).toEqual([]);
  });
});

test("the record of a session that has ended is not forgotten with a connection that it had before", async () => {
  const { org, ann, pid } = await people();
  await world.disconnect(ann);
  const clearedAt = world.now() + 2 * LATEST_WRITE + 120_000;
  world.pass(60_000);
  const back = await world.connect("ann", org, {}, { pid });
  world.pass(clearedAt - world.now() - 1000);
  await beforePut(
    () => join(back, "den"),
    async () => {
      await world.send(back, "41");
      await world.heartbeat(MINUTE_OF_SHARD, clearedAt);
    },
  );
  await world.disconnect(back);

  for (let again = 0; again < 2; again += 1) await world.sweep();
  expect(await listedIn(org, "den")).toEqual([]);
});

describe("the connections that a socket has had", () => {
  const epochsOf = async (sid: string) =>
    Object.keys((await recordOf(sid))?.epochs as Record<string, number>);

  test("are forgotten by the sweep with what is still listed under them, and the last one is not", async () => {
    const { org, ann, ben, sid, pid } = await people();
    await beforePut(
      () => join(ann, "den"),
      () => world.disconnect(ann),
    );
    const back = await comeBack(org, ann, pid, 3);
    expect(await listedIn(org, "den")).toHaveLength(2);
    expect(await epochsOf(sid)).toHaveLength(4);

    await world.heartbeat(MINUTE_OF_SHARD, world.now() + LATEST_WRITE + 1000);

    expect(await epochsOf(sid)).toEqual([String((await recordOf(sid))?.connectedAt)]);
    expect(await listedIn(org, "den")).toHaveLength(1);
    await join(ben, "den");
    await tell(ben, 1, "den");
    expect(heard(back)).toEqual([1]);
  });

  test("are kept while something may still be written under them", async () => {
    const { org, ann, sid, pid } = await people();
    await comeBack(org, ann, pid, 2);
    await world.heartbeat(MINUTE_OF_SHARD, world.now() + LATEST_WRITE - 1000);

    expect(await epochsOf(sid)).toHaveLength(3);
  });

  test("are sixty at most: then it is a new session that comes", async () => {
    const { org, ann, sid, pid } = await people();
    const last = await comeBack(org, ann, pid, 59);
    expect(connected(last).sid).toBe(sid);

    expect(connected(await comeBack(org, last, pid, 1)).sid).not.toBe(sid);
  });
});
