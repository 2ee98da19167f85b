import fc from "fast-check";
import * as module from "sift";
import { expect, test } from "vitest";
import { operators } from "../../lambdas/mudbase/model/filter.ts";
import { collectionOf, refusalOf } from "../support/live-queries.ts";

const FILTERS = 5000;
const PUBLICATIONS = 1000;

// Node loads the package's CommonJS build, whose export is a function with all operators.
const sift = { ...module, ...module.default };

const fieldName = fc.constantFrom(
  ...["a", "b", "n", "tags", "a.b", "tags.0", "lines.sku", "", "a..b", "0", "length", "toJSON"],
);
const oddName = fc.constantFrom(
  ...["constructor", "toString", "__proto__", "a.hasOwnProperty", "$where", "$regex", "$x"],
);
const operator = fc.constantFrom(...operators);
const scalar = fc.oneof(
  fc.constantFrom(0, 1, 2, -0, 1.5, 1e308, "a", "string", "bool", "", null, true, false),
  fc.string({ maxLength: 4 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** An object as JSON.parse makes it: `__proto__` is an own key. */
const objectOf = (key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<object> =>
  fc
    .uniqueArray(fc.tuple(key, value), { maxLength: 3, selector: ([name]) => name })
    .map((entries) => entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`))
    .map((members) => JSON.parse(`{${members.join()}}`));

/** Values of all types, whether or not an operator accepts them. */
const { operand, query } = fc.letrec<{ operand: unknown; query: object }>((tie) => ({
  operand: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: scalar, weight: 4 },
    fc.array(tie("operand"), { maxLength: 3 }),
    objectOf(fieldName, tie("operand")),
    objectOf(operator, tie("operand")),
    tie("query"),
  ),
  query: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: objectOf(fieldName, tie("operand")), weight: 4 },
    { arbitrary: objectOf(operator, tie("operand")), weight: 2 },
    objectOf(fc.oneof(fieldName, operator, oddName), tie("operand")),
    fc
      .tuple(fc.constantFrom("$and", "$or", "$nor"), fc.array(tie("query"), { maxLength: 3 }))
      .map(([name, filters]) => ({ [name]: filters })),
  ),
}));

const document = objectOf(fc.oneof(fieldName, oddName, operator), operand).map((fields) => ({
  _id: "d1",
  ...fields,
}));

test(`${FILTERS} filters are each refused, or harmless to ${PUBLICATIONS} publications`, async () => {
  const seed = Date.now();
  const filters = fc.sample(query, { numRuns: FILTERS, seed });
  const documents = fc.sample(document, { numRuns: PUBLICATIONS, seed });
  const accepted = filters.filter((filter) => refusalOf(filter) === undefined);
  const name = `seed ${seed}, ${accepted.length} of ${FILTERS} are accepted`;
  expect(accepted.length, name).toBeGreaterThan(FILTERS / 10);
  expect(accepted.length, name).toBeLessThan((FILTERS * 9) / 10);

  const { published, reported } = collectionOf(
    [...accepted, {}].map((each) => JSON.stringify(each)),
  );
  for (const each of documents) {
    const { matched, until } = await published(each);
    expect(matched.at(-1), `${name}: ${JSON.stringify(each)}`).toBe(`q${accepted.length}`);
    expect(until, name).toBeUndefined();
  }
  expect(reported, name).toEqual([]);
});

test("an accepted filter matches the same documents as sift alone", async () => {
  await fc.assert(
    fc.asyncProperty(query, document, async (filter, each) => {
      fc.pre(refusalOf(filter) === undefined);
      const { matched } = await collectionOf([JSON.stringify(filter)]).published(each);
      expect(matched.length === 1).toBe(isMatch(filter, each));
    }),
    { numRuns: 3000 },
  );
});

/** Matches by `sift` with its defaults, which throws only for values that no operator can read. */
function isMatch(filter: object, each: object): boolean {
  const test = sift.createQueryTester(JSON.parse(JSON.stringify(filter)), {
    operations: Object.fromEntries(operators.map((name) => [name, sift[name as "$eq"]])),
  });
  try {
    return test(each);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return false;
  }
}
