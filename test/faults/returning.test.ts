import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { recovering } from "./recovering.ts";
import { createWorld, FAULTS, type Fault } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const { connected, heard, leftAfter, offsetOf, people, tell } = recovering(world);

/** Comes back with a fault at a call, and then once more; gives how many calls the first return made. */
async function comeBackTwice(call: number, fault: Fault): Promise<number> {
  const { org, ann, ben, sid, pid } = await people();
  await tell(ben, 1);
  await world.disconnect(ann);
  await tell(ben, 2);
  await tell(ben, 3);
  let first = ann;
  const { calls } = await world.withFault(call, fault, async () => {
    const offset = offsetOf(ann);
    first = await world.connect("ann", org, {}, { pid, offset }).catch(() => ann);
  });
  await tell(ben, 4);
  const offset = offsetOf(first) ?? offsetOf(ann);
  const second = await world.connect("ann", org, {}, { pid, offset });
  await tell(ben, 5);

  expect([call, connected(second).sid]).toEqual([call, sid]);
  const all = new Set([ann, first, second].flatMap(heard));
  expect([call, ...[...all].toSorted()]).toEqual([call, 1, 2, 3, 4, 5]);
  expect([call, await leftAfter([first, second, ben])]).toEqual([call, []]);
  return calls;
}

test.each(FAULTS)(
  "if a call of a return %s, the next one brings all that is missing, and nothing is left",
  async (fault) => {
    let call = 1;
    while ((await comeBackTwice(call, fault)) >= call) call += 1;

    // It takes the session, lists it, reads the logs, answers, posts and completes.
    expect(call).toBeGreaterThan(10);
  },
);
