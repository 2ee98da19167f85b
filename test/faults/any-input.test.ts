import fc from "fast-check";
import { afterAll, afterEach, describe, expect, inject, test } from "vitest";
import { EventError } from "../../lambdas/server/errors.ts";
import { events, publications } from "../support/contract.ts";
import { SAMPLES } from "../support/samples.ts";
import { objectsOf, optionalFields } from "../support/schemas.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import { createWorld } from "./world.ts";

const PAYLOADS = 100;
const ENTRIES = 3000;
const DELIVERIES = 1000;

const world = await createWorld(inject("assembly"), UNLIMITED);
afterAll(() => world.stop());
afterEach(() => world.clearTable());

const anything = fc.jsonValue({ maxDepth: 3 });
const awkward = fc.oneof(
  anything,
  fc.constantFrom("", "a#b", "\u0000", "__proto__", "x".repeat(200), -1, 1e308, [], {}),
  fc.constant(null),
  // Half a surrogate pair: JSON can carry it, UTF-8 cannot.
  fc.constantFrom("\ud800", { text: "\udc00" }, ["a\ud800b"]),
);

/** The sample with some fields replaced by any value, or any value instead of it. */
function like(sample: object, optional: readonly string[]): fc.Arbitrary<unknown> {
  const names = [...Object.keys(sample), ...optional, "__proto__", "constructor", "x"];
  const changes = fc.dictionary(fc.constantFrom(...names), awkward, { noNullPrototype: true });
  return fc.oneof(
    { weight: 4, arbitrary: changes.map((changed) => ({ ...sample, ...changed })) },
    { weight: 1, arbitrary: anything },
  );
}

const optionalOf = (event: string): readonly string[] =>
  objectsOf(events.get(event)?.payload()).flatMap(optionalFields);
const OPTIONAL_OF_ENTRIES = [
  ...new Set(
    [...publications.values()].flatMap(({ entry }) => objectsOf(entry()).flatMap(optionalFields)),
  ),
];

describe(`any payload (${PAYLOADS} of each event)`, () => {
  test.each(SAMPLES)(
    "of $event is answered once, never with internal, and no other organisation receives anything",
    async ({ event, payload = {} }) => {
      const stranger = await world.connect("ben", "other");
      const ann = await world.connect("ann", "acme");
      await world.registerShop("acme");
      const before = world.framesOf(stranger).length;

      await fc.assert(
        fc.asyncProperty(like(payload, optionalOf(event)), async (input) => {
          const seen = world.framesOf(ann).length;
          await world.send(ann, `421${JSON.stringify([event, input])}`);

          const answers = world
            .framesOf(ann)
            .slice(seen)
            .filter((text) => text.startsWith("431"));
          expect(answers).toHaveLength(1);
          expect(answers[0]).not.toContain('"code":"internal"');
        }),
        { numRuns: PAYLOADS },
      );
      expect(world.framesOf(stranger)).toHaveLength(before);
      await world.removeShop("acme");
    },
  );
});

test(`any entry is published or refused by an error that names it (${ENTRIES} entries)`, async () => {
  const stranger = await world.connect("ben", "other");
  const before = world.framesOf(stranger).length;
  const sample = {
    ...{ org: "acme", projectId: "p1", collectionId: "todos", documentId: "d1" },
    ...{ data: { _id: "d1" }, action: "create", to: [{ kind: "org" }], name: "news", payload: {} },
    ...{ target: { userId: "ann" }, chat: { chatId: "c", projectId: "p1" }, connections: 3 },
    ...{ addressId: "a", address: "0x", chain: "eth", project: "p1", integrationId: "i" },
  };
  const entry = fc
    .tuple(fc.constantFrom(...publications.keys(), "no:such"), like(sample, OPTIONAL_OF_ENTRIES))
    .map(([event, fields]) =>
      typeof fields === "object" && fields !== null ? { event, ...fields } : fields,
    );
  let published = 0;

  await fc.assert(
    fc.asyncProperty(entry, async (input) => {
      const refused = await world.publish(input).then(
        () => undefined,
        (error: unknown) => error,
      );

      if (refused === undefined) published += 1;
      else expect(refused).toBeInstanceOf(EventError);
    }),
    { numRuns: ENTRIES },
  );
  expect(published).toBeGreaterThan(ENTRIES / 50);
  expect(world.framesOf(stranger)).toHaveLength(before);
});

test(`any webhook is accepted only with its signature (${DELIVERIES} deliveries)`, async () => {
  const ben = await world.connect("ben", "acme");
  await world.registerShop("acme");
  const subscription = { projectId: "p1", integrationId: "shop" };
  await world.send(ben, `42${JSON.stringify(["integration:webhook:subscribe", subscription])}`);
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
  );
  const forged = fc.option(fc.record({ "x-signature": fc.string({ unit: "binary" }) }), {
    nil: undefined,
  });
  let number = 0;
  const taken = new Set<string>();

  await fc.assert(
    fc.asyncProperty(body, forged, async (content, headers) => {
      const text = content.toString("base64");
      // The same bytes have the same signature, whatever their id.
      const accepted = taken.has(text) ? 200 : 202;
      if (headers === undefined) taken.add(text);
      const seen = world.framesOf(ben).length;
      const status = await world.deliver(`d${++number}`, content, headers);

      expect(status).toBe(headers === undefined ? accepted : 401);
      expect(world.framesOf(ben).length - seen).toBe(status === 202 ? 1 : 0);
    }),
    { numRuns: DELIVERIES },
  );
  await world.removeShop("acme");
});
