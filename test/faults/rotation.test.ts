import { afterAll, expect, inject, test } from "vitest";
import { ROTATION } from "../../lambdas/server/model/rotation.ts";
import { recovering } from "./recovering.ts";
import { createWorld, FAULTS, type Fault, type World } from "./world.ts";

const MINUTE = 60_000;
/** Between two visits to a connection, by default. */
const ROUND = 4 * MINUTE;

const world = await createWorld(inject("assembly"));
const without = await createWorld(inject("assembly"), { connectionStateRecovery: 0 });
afterAll(() => Promise.all([world.stop(), without.stop()]));

/** Runs the heartbeat each minute, for two hours, with a client that answers; gives the age at which it was closed. */
async function ageWhenClosed(where: World, connectionId: string): Promise<number | undefined> {
  const began = where.now();
  const first = Math.ceil(began / MINUTE) * MINUTE;
  for (let time = first; time < first + 120 * MINUTE; time += MINUTE) {
    await where.heartbeat(time, time + 1000);
    if (!where.isConnected(connectionId)) return where.now() - began;
    await where.send(connectionId, "3");
  }
  return undefined;
}

test("a connection is closed before API Gateway would, and its socket comes back with nothing missed", async () => {
  const { connected, heard, newOrg, comeBack } = recovering(world);
  const org = newOrg();
  const ann = await world.connect("ann", org);
  const { sid, pid } = connected(ann);
  const age = await ageWhenClosed(world, ann);
  const news = { event: "emit", org, to: [{ kind: "user", userId: "ann" }], name: "custom:news" };
  await world.publish({ ...news, payload: { n: 1 } });

  const back = await comeBack("ann", org, ann, pid);

  expect(age).toBeGreaterThanOrEqual(ROTATION.minAge);
  expect(age).toBeLessThanOrEqual(ROTATION.maxAge);
  expect(world.framesOf(ann)).not.toContain("41");
  expect(connected(back).sid).toBe(sid);
  expect(heard(back)).toEqual([1]);
});

test("a connection whose socket could not come back is left alone", async () => {
  const ann = await without.connect("ann", "org");

  expect(await ageWhenClosed(without, ann)).toBe(undefined);
});

/** The next visit of the heartbeat to the only shard; what fails is logged. Connections answer their pings. */
async function visit(...connectionIds: readonly string[]): Promise<void> {
  const scheduledTime = Math.ceil(world.now() / ROUND) * ROUND;
  const before = connectionIds.map((id) => world.framesOf(id).length);
  await world.heartbeat(scheduledTime, scheduledTime + 1000).catch(() => undefined);
  for (const [index, id] of connectionIds.entries())
    if (world.framesOf(id).slice(before[index]).includes("2")) await world.send(id, "3");
}

/** Rotates a connection with a fault at a call, and then without; gives how many calls the first time made. */
async function rotateTwice(call: number, fault: Fault): Promise<number> {
  const { connected, heard, newOrg, comeBack, join, leftAfter, tell } = recovering(world);
  await world.clearTable();
  const org = newOrg();
  const ann = await world.connect("ann", org);
  const { sid, pid } = connected(ann);
  await join(ann);
  world.pass(ROTATION.maxAge);
  await world.send(ann, "3");
  const ben = await world.connect("ben", org);
  await join(ben);
  await tell(ben, 1);
  const { calls } = await world.withFault(call, fault, () => visit(ann, ben));
  await tell(ben, 2);
  if (world.isConnected(ann)) await visit(ann, ben);
  await tell(ben, 3);

  expect([call, world.isConnected(ann)]).toEqual([call, false]);
  const back = await comeBack("ann", org, ann, pid);
  await tell(ben, 4);
  expect([call, connected(back).sid]).toEqual([call, sid]);
  expect([call, ...heard(ann), ...heard(back)]).toEqual([call, 1, 2, 3, 4]);
  expect(world.framesOf(ann)).not.toContain("41");

  expect([call, await leftAfter([back, ben])]).toEqual([call, []]);
  return calls;
}

test.each(FAULTS)(
  "if a call of the visit that rotates a connection %s, the next one rotates it, nothing is missed, and nothing is left",
  async (fault) => {
    let call = 1;
    while ((await rotateTwice(call, fault)) >= call) call += 1;

    // It finds the connection, ends it, loses the session, empties its rooms, and closes.
    expect(call).toBeGreaterThan(5);
  },
);
