import { matches } from "../lambdas/events/published/matching.ts";

/** Processor time of matching one document against a thousand stored filters, cold and warm. */
const FILTERS = 1000;
const filters = Array.from({ length: FILTERS }, (_, n) =>
  JSON.stringify({
    $and: [{ n: { $gte: n, $lt: n + 10 } }, { tags: { $in: ["a", "b"] } }],
    done: false,
  }),
);
const document = { _id: "d1", n: 500, tags: ["b"], done: false };

function pass(): { readonly matched: number; readonly microseconds: number } {
  const before = process.cpuUsage();
  const matched = filters.filter((filter) => matches(filter, document)).length;
  const { user, system } = process.cpuUsage(before);
  return { matched, microseconds: user + system };
}

const cold = pass();
for (let warmUp = 0; warmUp < 20; warmUp += 1) pass();
const warm = Array.from({ length: 21 }, pass).toSorted(
  (a, b) => a.microseconds - b.microseconds,
)[10];

console.log(`${cold.matched} of ${FILTERS} filters match
compiling and matching: ${(cold.microseconds / FILTERS).toFixed(2)} µs a filter
matching, compiled:     ${((warm?.microseconds ?? 0) / FILTERS).toFixed(2)} µs a filter
ratio:                  ${(cold.microseconds / (warm?.microseconds ?? 1)).toFixed(0)}`);
