import { afterAll, afterEach, describe, expect, inject, test } from "vitest";
import { CONNECTION_ITEM } from "../support/connection-items.ts";
import { SAMPLES } from "../support/samples.ts";
import { createWorld, type Fault } from "./world.ts";

// Small fan-out pages, so that four members make a large room.
const world = await createWorld(inject("assembly"), { fanOutPage: 3 });
let cases = 0;
let organisations = 0;
afterAll(async () => {
  console.info(`${cases} cases of a function that dies or fails at one of its calls`);
  await world.stop();
});

const shop = { projectId: "p1", integrationId: "shop" };
const todos = { projectId: "p1", collectionId: "todos" };

/** Entries of other back ends that ben receives. */
const ENTRIES = [
  { event: "project:created", projectId: "p1", data: { name: "One" } },
  { event: "db:collection_created", ...todos, data: { _id: "todos" } },
  { event: "db:create", ...todos, data: { _id: "d1", done: false } },
  { event: "data:change", ...todos, action: "create", data: { _id: "d1" } },
  { event: "emit", to: [{ kind: "user", userId: "ben" }], name: "news", payload: { n: 1 } },
  { event: "revoke", target: { userId: "ben" } },
];

// Otherwise each scan of the table would take longer than the one before.
afterEach(() => world.clearTable());

const newOrg = () => `org-${++organisations}`;

const JOINS = SAMPLES.filter(({ event }) =>
  /^(subscribe:(project|collection|query)|chat:join|custom:join)$/.test(event),
);

/** What one has joined who sends or receives an event: its project, and the rooms of the event's domain. */
function joinsOf(event: string): typeof JOINS {
  const domain = /^message/.test(event) ? "chat" : event.replace(/^un(?=subscribe)|:.*/g, "");
  return JOINS.filter(({ event }) => event === "subscribe:project" || event.startsWith(domain));
}

/** Ann and ben, both in the rooms of the samples. */
async function scene(joins = JOINS) {
  const org = newOrg();
  const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];
  for (const connectionId of [ann, ben])
    for (const { event, payload } of joins) await world.send(connectionId, frame(event, payload));
  return { org, ann, ben };
}

const frame = (event: string, payload: object = {}) => `42${JSON.stringify([event, payload])}`;
const asked = (event: string, payload: object = {}) => `421${JSON.stringify([event, payload])}`;

interface Scene {
  readonly org: string;
  readonly ann: string;
  readonly ben: string;
}

/** The items of connections that remain after all are closed and cleaned up twice; cleanups are most of the work. */
async function leftOf(...scenes: readonly Scene[]): Promise<unknown[]> {
  for (const { ann, ben } of scenes)
    for (const connectionId of [ann, ben]) await world.disconnect(connectionId);
  await world.sweep();
  await world.sweep();
  const itsOwn = new RegExp(scenes.map(({ org, ann, ben }) => `#${org}#|${ann}|${ben}`).join("|"));
  return (await world.items()).filter(
    (item) => CONNECTION_ITEM.test(String(item.pk)) && itsOwn.test(JSON.stringify(item)),
  );
}

/** The frames that a connection receives during some work. */
async function eventsReceivedBy(
  connectionId: string,
  work: () => Promise<unknown>,
): Promise<string[]> {
  const before = world.framesOf(connectionId).length;
  await work();
  return world.framesOf(connectionId).slice(before);
}

/** Injects these faults at each call of each event, one at a time, and checks the remaining items and the received frames. */
export const survivesAtEveryCall = (...faults: readonly Fault[]): void =>
  describe.each(faults)("if a call %s", (fault) => {
    const isAlive = !fault.startsWith("dies");

    test.each(SAMPLES)(
      "$event leaves no items, sends nothing twice, and loses nothing that was acknowledged",
      async ({ event, payload }) => {
        const joins = joinsOf(event);
        const first = await scene(joins);
        let calls = 0;
        const expected = await eventsReceivedBy(first.ben, async () => {
          ({ calls } = await world.withFault(0, undefined, () =>
            world.send(first.ann, asked(event, payload)),
          ));
        });
        const scenes = [first];

        for (let call = 1; call <= calls; call += 1) {
          cases += 1;
          const again = await scene(joins);
          scenes.push(again);
          let unpostedTo: string | undefined;

          const received = await eventsReceivedBy(again.ben, async () => {
            ({ unpostedTo } = await world.withFault(call, fault, () =>
              world.send(again.ann, asked(event, payload)),
            ));
          });

          const answers = world.framesOf(again.ann).filter((text) => text.startsWith("431"));
          expect(answers.length).toBeLessThanOrEqual(1);
          if (isAlive && unpostedTo !== again.ann) expect(answers).toHaveLength(1);
          expect(new Set(received).size).toBe(received.length);
          const wasConfirmed = answers.some((text) => !text.includes('"error"'));
          if (isAlive && wasConfirmed && unpostedTo !== again.ben)
            expect(received).toHaveLength(expected.length);
          if (event === "message:send" && (wasConfirmed || received.length > 0))
            expect(await messagesOf(again.org)).toHaveLength(1);
        }
        expect(await leftOf(...scenes)).toEqual([]);
      },
    );

    test.each(ENTRIES)(
      "$event, published with an id until it is accepted, is received once",
      async (entry) => {
        const publishing = (org: string) => () =>
          wasTaken(world.publish({ ...entry, org, id: "e1" }));
        await expectOnce(publishing);
      },
    );

    test("a webhook, delivered until it is accepted, is received once", async () => {
      const delivering = async () => (await world.deliver("d1", '{"type":"paid","data":{}}')) < 300;
      await expectOnce(() => () => delivering().catch(() => false));
    });

    /** Publishes with the fault at each call, retries until it is accepted, and checks what ben receives. */
    async function expectOnce(publishing: (org: string) => () => Promise<boolean>): Promise<void> {
      const first = await scene();
      const { org, ben } = first;
      await world.registerShop(org);
      await world.send(ben, frame("integration:webhook:subscribe", shop));
      let calls = 0;
      const expected = await eventsReceivedBy(ben, async () => {
        ({ calls } = await world.withFault(0, undefined, publishing(org)));
      });
      expect(expected.length).toBeGreaterThan(0);
      await world.removeShop(org);
      const scenes = [first];

      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        const again = await scene();
        scenes.push(again);
        await world.registerShop(again.org);
        await world.send(again.ben, frame("integration:webhook:subscribe", shop));
        let unpostedTo: string | undefined;
        const received = await eventsReceivedBy(again.ben, async () => {
          let isTaken = false;
          ({ unpostedTo } = await world.withFault(call, fault, async () => {
            isTaken = await publishing(again.org)();
          }));
          world.pass(31_000);
          if (!isTaken) await publishing(again.org)();
        });

        expect(new Set(received.map(withoutTime)).size).toBe(received.length);
        if (isAlive && unpostedTo !== again.ben) expect(received).toHaveLength(expected.length);
        await world.removeShop(again.org);
      }
      expect(await leftOf(...scenes)).toEqual([]);
    }

    test("connecting leaves no items", async () => {
      const { calls } = await world.withFault(0, undefined, async () => {
        await world.disconnect(await world.connect("ann", newOrg()));
      });
      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        let ann = "";
        const org = newOrg();
        await world.withFault(call, fault, async () => {
          ann = await world.connect("ann", org).catch(() => "");
        });
        // The cleanup finds the connection gone, or without CONNECT.
        for (let round = 0; round < 3; round += 1) {
          if (ann !== "") await world.disconnect(ann);
          await world.sweep();
        }
        expect(
          (await world.items()).filter(
            ({ pk }) => /^(room|online|query)#/.test(String(pk)) && String(pk).includes(`#${org}#`),
          ),
        ).toEqual([]);
      }
    });

    test("the cleanup of a gone connection leaves no items after the next one", async () => {
      const first = await scene();
      world.drop(first.ann);
      const { calls } = await world.withFault(0, undefined, () => world.sweep());
      expect(await leftOf(first)).toEqual([]);

      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        const again = await scene();
        world.drop(again.ann);
        await world.withFault(call, fault, () => world.sweep().catch(() => undefined));
        // The first cleanup may not even begin; the next finds the connection gone, and the last deletes the rest.
        for (let round = 0; round < 3; round += 1) await world.sweep();

        const items = await world.items();
        expect(items.filter((item) => JSON.stringify(item).includes(again.ann))).toEqual([]);
        expect(await leftOf(again)).toEqual([]);
      }
    });

    test("a broadcast to a room of many pages is sent to nobody twice, and leaves no items", async () => {
      const crowded = async () => {
        const { org, ann, ben } = await scene();
        const others = await Promise.all([1, 2, 3].map((n) => world.connect(`user-${n}`, org)));
        for (const other of others)
          await world.send(other, frame("subscribe:project", { projectId: "p1" }));
        return { org, ann, ben, all: [ben, ...others] };
      };
      const shout = (connectionId: string) => () =>
        world.send(connectionId, asked("custom:event", { projectId: "p1" }));
      const first = await crowded();
      const { calls } = await world.withFault(0, undefined, shout(first.ann));
      for (const other of first.all) await world.disconnect(other);
      const scenes: Scene[] = [first];

      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        const again = await crowded();
        const { ann, all } = again;
        scenes.push(again);
        await world.withFault(call, fault, shout(ann));

        for (const other of all)
          expect(
            world.framesOf(other).filter((text) => text.includes("custom:event")).length,
          ).toBeLessThanOrEqual(1);
        expect(world.framesOf(ann).filter((text) => text.startsWith("431")).length).toBeLessThan(2);
        for (const other of all) await world.disconnect(other);
      }
      expect(await leftOf(...scenes)).toEqual([]);
    });

    test("disconnecting leaves no items after the cleanup", async () => {
      const first = await scene();
      const { calls } = await world.withFault(0, undefined, () => world.disconnect(first.ann));
      expect(await leftOf(first)).toEqual([]);

      for (let call = 1; call <= calls; call += 1) {
        cases += 1;
        const again = await scene();
        const { ann } = again;
        await world.withFault(call, fault, () => world.disconnect(ann));
        // Twice: if the disconnect never began, the first cleanup only finds the connection gone.
        await world.sweep();
        await world.sweep();

        expect((await world.items()).filter((item) => JSON.stringify(item).includes(ann))).toEqual(
          [],
        );
        expect(await leftOf(again)).toEqual([]);
      }
    });
  });

/** Whether the work was accepted. */
const wasTaken = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

const messagesOf = async (org: string) =>
  (await world.items()).filter(
    ({ pk, sk }) => String(pk).startsWith(`chat#${org}#`) && String(sk).startsWith("message#"),
  );

/** A frame without its timestamp, which differs in a retry. */
const withoutTime = (text: string) => text.replace(/"timestamp":"[^"]*"/, "");
