import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { ask } from "../support/asking.ts";
import { lobby } from "../support/samples.ts";
import { recovering } from "./recovering.ts";
import { createWorld, type Made } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());
beforeEach(() => world.clearTable());

const { connected, newOrg, recordOf, recordsOf } = recovering(world);

/** Has the SDK repeat each call of some work, one at a time, because its answer was lost. */
async function forEachCall(
  attempt: (repeating: (work: () => Promise<unknown>) => Promise<Made>) => Promise<void>,
) {
  let calls = 0;
  for (let call = 1; call === 1 || call <= calls; call += 1)
    await attempt(async (work) => {
      const made = await world.withFault(call, "is repeated", work);
      calls = made.calls;
      return made;
    });
  expect(calls).toBeGreaterThan(0);
}

/** Ann, of an organisation of her own. */
async function alone() {
  const org = newOrg();
  const ann = await world.connect("ann", org);
  return { org, ann, ...connected(ann) };
}

describe("a call that the SDK repeats, because its answer was lost,", () => {
  test("ends a connection, whose socket has lost it at once", async () => {
    await forEachCall(async (repeating) => {
      const { ann, sid } = await alone();
      await repeating(() => world.disconnect(ann));

      expect(await recordOf(sid)).toMatchObject({ state: "detached" });
    });
  });

  test("ends a session, of which nothing is left but its tombstone", async () => {
    await forEachCall(async (repeating) => {
      const { ann, sid } = await alone();
      await repeating(() => world.send(ann, "41"));

      expect((await recordsOf(sid)).map(({ pk }) => pk)).toEqual([`sess#${sid}`]);
    });
  });

  test("brings a socket back", async () => {
    await forEachCall(async (repeating) => {
      const { org, ann, sid, pid } = await alone();
      await world.disconnect(ann);
      let back = "";
      await repeating(async () => {
        back = await world.connect("ann", org, {}, { pid });
      });

      expect(connected(back).sid).toBe(sid);
    });
  });

  test("keeps a part of a binary event, which is served, and so is the next one", async () => {
    /** A binary event with an acknowledgement, and its attachment. */
    const binary = async (ann: string, ackId: number) => {
      const bytes = { _placeholder: true, num: 0 };
      const payload = JSON.stringify({ projectId: "p1", bytes });
      await world.send(ann, `451-${ackId}["custom:event",${payload}]`);
      world.pass(100);
      await world.send(ann, "bAAEC");
      world.pass(100);
    };
    const acknowledged = (ann: string) =>
      world.framesOf(ann).flatMap((frame) => /^43(\d)\[\{"ok":true/.exec(frame)?.[1] ?? []);
    await forEachCall(async (repeating) => {
      const { ann } = await alone();
      await repeating(() => binary(ann, 1));
      await binary(ann, 2);

      expect(acknowledged(ann)).toEqual(["1", "2"]);
    });
  });

  test("deletes a message", async () => {
    await forEachCall(async (repeating) => {
      const { ann } = await alone();
      const message = { ...lobby, type: "text", content: "hello" };
      const { messageId } = (await ask(world, ann, "message:send", message)) as {
        readonly messageId: string;
      };
      let answer: unknown;
      await repeating(async () => {
        answer = await ask(world, ann, "message:delete", { ...lobby, messageId });
      });

      expect(answer).toEqual({ ok: true });
    });
  });
});
