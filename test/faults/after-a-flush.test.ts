import { afterAll, expect, inject, test } from "vitest";
import { createWorld, type Fault } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());

const shop = { projectId: "p1", integrationId: "shop" };
const packet = (event: string, payload: object, ackId: number | "" = "") =>
  `42${ackId}${JSON.stringify([event, payload])}`;
let organisations = 0;

/** Ann calls the shop, which ben follows, with a fault at one call of the function. */
async function execute(event: string, call: number, fault: Fault | undefined) {
  const org = `org-${++organisations}`;
  const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];
  await world.registerShop(org);
  await world.send(ben, packet("integration:join", shop));
  const before = world.framesOf(ben).length;
  const made = await world.withFault(call, fault, () =>
    world.send(ann, packet(event, { ...shop, endpoint: "list" }, 1)),
  );
  await world.removeShop(org);
  return {
    ...made,
    answers: world.framesOf(ann).filter((text) => text.startsWith("431")),
    received: world.framesOf(ben).slice(before).join(),
    isUnposted: made.unpostedTo !== undefined,
  };
}

const CASES = (["integration:execute", "integration:test"] as const).flatMap((event) =>
  (["fails once before", "fails once after", "is throttled", "times out"] as const).map(
    (fault) => [event, fault] as const,
  ),
);

test.each(CASES)(
  "followers who have received the start of %s also receive its end if any of its calls %s, and so does the caller",
  async (event, fault) => {
    const { calls } = await execute(event, 0, undefined);
    let ended = 0;
    for (let call = 1; call <= calls; call += 1) {
      const { answers, received, isUnposted } = await execute(event, call, fault);
      // A post that failed may have been to either of them.
      if (isUnposted || !received.includes(":started")) continue;
      ended += 1;
      expect(received).toMatch(/:completed|:failed/);
      expect(answers).toHaveLength(1);
      expect(answers[0]).not.toContain('"code":"internal"');
    }
    expect(ended).toBeGreaterThan(0);
  },
);
