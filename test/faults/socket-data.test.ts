import { afterAll, expect, inject, test } from "vitest";
import { defineApp, defineNamespace, everybody } from "../../lambdas/server/app.ts";
import { createWorld } from "./world.ts";

type Acknowledge = (...values: readonly unknown[]) => void;

const VALUES = {
  list: [undefined, 1],
  date: new Date(0),
  map: new Map([["a", 1]]),
  number: Number.NaN,
};

const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      on: {
        keep(socket, value: unknown, acknowledge: Acknowledge) {
          socket.data.value = value;
          acknowledge();
        },
        make(socket, name: keyof typeof VALUES, acknowledge: Acknowledge) {
          socket.data.value = VALUES[name];
          acknowledge();
        },
        give: (socket, acknowledge: Acknowledge) => acknowledge(socket.data.value),
      },
    }),
  },
});

const world = await createWorld(inject("assembly"), {}, {}, app);
afterAll(() => world.stop());

/** What an event of a new socket, and one that asks for what is kept, are answered with. */
async function answersTo(event: string, argument: string): Promise<readonly string[]> {
  const ann = await world.connect("ann", "acme");
  await world.send(ann, `421["${event}",${argument}]`);
  await world.send(ann, '422["give"]');
  return world.framesOf(ann).filter((frame) => frame.startsWith("43"));
}

test.each([
  ["a list with gaps", "make", '"list"', "[null,1]"],
  ["a date", "make", '"date"', '"1970-01-01T00:00:00.000Z"'],
  ["a map", "make", '"map"', "{}"],
  ["not a number", "make", '"number"', "null"],
])("what is kept of %s is its JSON", async (_, event, argument, kept) => {
  expect(await answersTo(event, argument)).toEqual(["431[]", `432[${kept}]`]);
});

test("a field that no object may be kept with is refused by its name", async () => {
  const [answer, none] = await answersTo("keep", '{"__proto__":{"x":1}}');

  expect(answer).toContain('"invalid_payload"');
  expect(answer).toContain("socket.data has a field __proto__");
  expect(none).toBe("432[null]");
});
