import { afterAll, describe, expect, inject, test } from "vitest";
import { SAMPLES } from "../support/samples.ts";
import { createWorld, type Fault } from "./world.ts";

const FAULTS: readonly Fault[] = [
  "dies before",
  "dies after",
  "fails once before",
  "fails once after",
];
const OF_CONNECTIONS = /^(conn|room|online|query|places)#/;

const world = await createWorld(inject("assembly"));
let cases = 0;
let organisations = 0;
afterAll(async () => {
  console.info(`${cases} cases of a function that dies or fails at one of its calls`);
  await world.stop();
});

/** Ann and ben, each in whatever rooms the samples address, and what ann's event may need. */
async function scene() {
  const org = `org-${++organisations}`;
  const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];
  for (const connectionId of [ann, ben])
    for (const { event, payload } of SAMPLES.filter(({ event }) =>
      /^(subscribe:project|chat:join|presence:online|custom:join)$/.test(event),
    ))
      await world.send(connectionId, frame(event, payload));
  return { org, ann, ben };
}

const frame = (event: string, payload: object = {}) => `42${JSON.stringify([event, payload])}`;
const asked = (event: string, payload: object = {}) => `421${JSON.stringify([event, payload])}`;

/** Everything of these organisations' connections that is left once both have gone and two sweeps have been. */
async function leftAfter(...connectionIds: readonly string[]): Promise<unknown[]> {
  for (const connectionId of connectionIds) await world.disconnect(connectionId);
  await world.sweep();
  return (await world.items()).filter(({ pk }) => OF_CONNECTIONS.test(String(pk)));
}

describe.each(FAULTS)("a function that %s", (fault) => {
  test.each(SAMPLES)(
    "one of the calls of $event leaves nothing behind, and tells nothing twice",
    async ({ event, payload }) => {
      const { ann, ben } = await scene();
      const calls = await world.withFault(0, undefined, () =>
        world.send(ann, asked(event, payload)),
      );
      expect(await leftAfter(ann, ben)).toEqual([]);

      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        const again = await scene();
        const before = world.framesOf(again.ben).length;

        await world.withFault(call, fault, () => world.send(again.ann, asked(event, payload)));

        const answers = world.framesOf(again.ann).filter((text) => text.startsWith("431"));
        expect(answers.length).toBeLessThanOrEqual(1);
        if (fault.startsWith("fails")) expect(answers).toHaveLength(1);
        const heard = world.framesOf(again.ben).slice(before);
        expect(new Set(heard).size).toBe(heard.length);
        const wasTold = answers.some((text) => !text.includes('"error"'));
        if (event === "message:send" && wasTold)
          expect(await messagesOf(again.org)).toHaveLength(1);
        if (event === "message:send" && heard.length > 0)
          expect(await messagesOf(again.org)).toHaveLength(1);
        expect(await leftAfter(again.ann, again.ben)).toEqual([]);
      }
    },
  );

  test("one of the calls of connecting leaves nothing behind", async () => {
    const org = () => `org-${++organisations}`;
    const calls = await world.withFault(0, undefined, async () => {
      await leftAfter(await world.connect("ann", org()));
    });
    for (let call = 1; call <= calls; call += 1) {
      cases += 1;
      let ann = "";
      await world.withFault(call, fault, async () => {
        ann = await world.connect("ann", org()).catch(() => "");
      });
      // Whatever was begun is silent from now on: the sweep finds it gone, or without CONNECT.
      for (let round = 0; round < 3; round += 1) {
        if (ann !== "") await world.disconnect(ann);
        await world.sweep();
      }
      expect(
        (await world.items()).filter(({ pk }) => /^(room|online|query)#/.test(String(pk))),
      ).toEqual([]);
    }
  });

  test("one of the calls of disconnecting leaves nothing behind after the sweep", async () => {
    const first = await scene();
    const calls = await world.withFault(0, undefined, () => world.disconnect(first.ann));
    expect(await leftAfter(first.ben)).toEqual([]);

    for (let call = 1; call <= calls; call += 1) {
      cases += 1;
      const { ann, ben } = await scene();
      await world.withFault(call, fault, () => world.disconnect(ann));
      // Twice: what did not even begin to end is found gone by the first.
      await world.sweep();
      await world.sweep();

      expect((await world.items()).filter((item) => JSON.stringify(item).includes(ann))).toEqual(
        [],
      );
      expect(await leftAfter(ben)).toEqual([]);
    }
  });
});

const messagesOf = async (org: string) =>
  (await world.items()).filter(
    ({ pk, sk }) => String(pk).startsWith(`chat#${org}#`) && String(sk).startsWith("message#"),
  );
