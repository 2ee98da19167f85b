import { afterAll, expect, inject, test } from "vitest";
import { ROTATION } from "../../lambdas/server/model/rotation.ts";
import { recovering } from "./recovering.ts";
import { createWorld, type World } from "./world.ts";

const MINUTE = 60_000;

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
