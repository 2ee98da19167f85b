import { describe, expect, test } from "vitest";
import { collectionOf, refusalOf } from "../support/live-queries.ts";

describe("a filter that cannot be used is refused by name", () => {
  test.each([
    [{ $or: [] }, "query.$or: must be a list of filters, and not empty"],
    [{ $and: { a: 1 } }, "query.$and: must be a list of filters, and not empty"],
    [{ $nor: [1] }, "query.$nor.0: must be a filter"],
    [{ $or: [{ a: 1 }, null] }, "query.$or.1: must be a filter"],
    [{ a: { $elemMatch: 1 } }, "query.a.$elemMatch: must be a filter"],
    [
      { a: { $elemMatch: { $or: [] } } },
      "query.a.$elemMatch.$or: must be a list of filters, and not empty",
    ],
    [{ a: { $not: 5 } }, "query.a.$not: must be a filter"],
    [{ a: { $all: 1 } }, "query.a.$all: must be a list"],
    [
      { a: { $all: [{ $or: [] }] } },
      "query.a.$all.0.$or: must be a list of filters, and not empty",
    ],
    [{ a: { $in: null } }, "query.a.$in: must be a list"],
    [{ a: { $nin: 1 } }, "query.a.$nin: must be a list"],
    [
      { a: { $in: [{ $gt: 1 }] } },
      "query.a.$in.0.$gt: is no name that a field of a value may have",
    ],
    [{ a: { $mod: null } }, "query.a.$mod: must be a divisor other than 0 and a remainder"],
    [{ a: { $mod: [0, 0] } }, "query.a.$mod: must be a divisor other than 0 and a remainder"],
    [{ a: { $size: null } }, "query.a.$size: must be a length"],
    [{ a: { $type: "date" } }, "query.a.$type: must be one of number, string, bool, array, null"],
    [
      { a: { $type: { toString: 1, valueOf: 1 } } },
      "query.a.$type: must be one of number, string, bool, array, null",
    ],
    [{ a: { $exists: "yes" } }, "query.a.$exists: must be true or false"],
    [{ a: { $gt: null } }, "query.a.$gt: must be a number, a text or a boolean"],
    [{ a: { $lt: {} } }, "query.a.$lt: must be a number, a text or a boolean"],
    [{ a: { $and: [{ b: 1 }] } }, "query.a.$and: must not stand under a field"],
    [{ a: { $eq: 1, b: 2 } }, "query.a.b: must not stand beside operators"],
    [{ a: { $regex: "x" } }, "query.a.$regex: must not use the operator $regex"],
    [{ a: { b: { $gt: 1 } } }, "query.a.b.$gt: is no name that a field of a value may have"],
    [{ constructor: 1 }, "query.constructor: is no name that a field may have"],
    [{ "a.toString.b": 1 }, "query.a.toString.b: is no name that a field may have"],
    [JSON.parse('{ "__proto__": 1 }'), "query.__proto__: is no name that a field may have"],
    [
      JSON.parse('{ "a": { "__proto__": 1 } }'),
      "query.a.__proto__: is no name that a field of a value may have",
    ],
    [
      JSON.parse('{ "$or": [{ "a": { "$not": { "__proto__": 1 } } }] }'),
      "query.$or.0.a.$not.__proto__: is no name that a field may have",
    ],
  ])("%j", (query, refusal) => {
    expect(refusalOf(query)).toBe(refusal);
  });

  const many = Array.from({ length: 48 }, (_, n) => n);
  test.each([
    ["50 entries and a field", { a: [...many, 48, 49] }, "hold at most 50 conditions"],
    ["49 entries of $in", { a: { $in: [...many, 48] } }, "hold at most 50 conditions"],
    ["a list of 48 in $all", { a: { $all: [many] } }, "hold at most 50 conditions"],
    ["more than 4 KiB", { a: "x".repeat(4089) }, "be at most 4096 bytes of JSON"],
    ["more than 4 KiB of UTF-8", { a: "ä".repeat(2045) }, "be at most 4096 bytes of JSON"],
  ])("%s", (_, query, refusal) => {
    expect(refusalOf(query)).toBe(`query: must ${refusal}`);
  });
});

const milk = {
  ...{ _id: "d1", title: "milk", n: 3, done: false, tags: ["a", "b"], constructor: "Ferrari" },
  lines: [
    { sku: "x", count: 2 },
    { sku: "y", count: 5 },
  ],
};

describe("a filter of each kind is taken and matches", () => {
  test.each([
    [{}, true],
    [{ a: null }, true],
    [{ title: { $nin: ["milk", null] } }, false],
    [{ title: { $type: "string", $exists: 1, $ne: null } }, true],
    [{ tags: { $all: ["a", "b"], $size: 2 } }, true],
    [{ tags: ["a", "b"] }, true],
    [{ lines: { $elemMatch: { sku: "x", count: { $gt: 1 } } } }, true],
    [{ lines: { sku: "x", count: 2 } }, true],
    [{ lines: { $all: [{ $elemMatch: { sku: "x" } }, { $elemMatch: { sku: "y" } }] } }, true],
    [{ "lines.1.count": 5 }, true],
    [{ n: { $mod: [2, 1], $not: { $gt: 5 } } }, true],
    [{ n: { $not: { $or: [{ $eq: 1 }, { $eq: 3 }] } } }, false],
    [{ "": 1, "..": { $exists: true } }, false],
  ])("%j: %s", async (query, isMatch) => {
    expect(refusalOf(query)).toBeUndefined();
    const { matched } = await collectionOf([JSON.stringify(query)]).published(milk);
    expect(matched).toEqual(isMatch ? ["q0"] : []);
  });

  test("with as many conditions, and a path as long, as there may be", async () => {
    const list = { n: { $in: Array.from({ length: 48 }, (_, n) => n) } };
    const path = { [`${"a.".repeat(1000)}a`]: { $exists: false } };
    expect([list, path].map(refusalOf)).toEqual([undefined, undefined]);
    const { published } = collectionOf([JSON.stringify(list), JSON.stringify(path)]);

    expect((await published(milk)).matched).toEqual(["q0", "q1"]);
  });
});

describe("a filter that is stored all the same", () => {
  test("is skipped and told once, and the others match", async () => {
    const stored = ["{}", '{"$or":[]}', "no JSON", '{"$where":"process.exit()"}', "null", "{}"];
    const { published, reported } = collectionOf(stored);

    expect((await published(milk)).matched).toEqual(["q0", "q5"]);
    expect((await published(milk, milk)).matched).toEqual(["q0", "q5"]);

    expect(reported).toEqual(
      [1, 2, 3, 4].map((n) => `q${n}: its stored filter is none that can be matched`),
    );
  });

  test("does not stop the others where a document has what no operator can read", async () => {
    const { published } = collectionOf(['{"n":{"$mod":[2,0]}}', "{}"]);

    expect((await published({ _id: 1, n: { valueOf: 1, toString: 1 } })).matched).toEqual(["q1"]);
  });

  test("is given up where a document takes too many steps", async () => {
    const nested = Array.from({ length: 60 }).reduce<unknown[]>(
      (inner) => [inner, ...Array.from({ length: 100 }, (_, n) => n)],
      [],
    );
    const not = { a: { $not: { $not: { $not: { $in: ["x", "y"] } } } } };
    expect(refusalOf(not)).toBeUndefined();
    const { published, reported } = collectionOf([JSON.stringify(not), "{}"]);

    expect((await published({ _id: 1, a: nested })).matched).toEqual(["q1"]);
    expect((await published({ _id: 1, a: "x" })).matched).toEqual(["q1"]);
    expect((await published({ _id: 1, a: 1 })).matched).toEqual(["q0", "q1"]);
    expect(reported).toEqual(["q0: matching it took more than 1000000 steps"]);
  });
});

test("a function matches so many steps, and the rest is another's", async () => {
  const all = (n: number) =>
    JSON.stringify({ tags: { $all: Array.from({ length: 48 }, (_, entry) => `${n} ${entry}`) } });
  const { published } = collectionOf(Array.from({ length: 200 }, (_, n) => all(n)));
  const tags = Array.from({ length: 10_000 }, (_, n) => n);

  const { until } = await published({ _id: 1, tags });

  expect(Number(until?.slice(1))).toBeLessThan(50);
});
