import { parseArgs } from "node:util";
import { matches } from "../lambdas/events/published/matching.ts";
import { median } from "./support/measure.ts";

const HELP = `Measures the processor time of matching one document against a thousand stored filters, compiled for
the first time and found compiled. Fails where another number of them match than should.

  npx tsx bench/matching.ts

  --help   this text
`;

const FILTERS = 1000;
/** Filters whose range of ten the document is in. */
const MATCHING = 10;
const filters = Array.from({ length: FILTERS }, (_, n) =>
  JSON.stringify({
    $and: [{ n: { $gte: n, $lt: n + 10 } }, { tags: { $in: ["a", "b"] } }],
    done: false,
  }),
);
const document = { _id: "d1", n: 500, tags: ["b"], done: false };

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  console.log(values.help ? HELP : measure());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function measure(): string {
  const cold = pass();
  for (let warmUp = 0; warmUp < 20; warmUp += 1) pass();
  const warm = median(Array.from({ length: 21 }, pass));
  return `${MATCHING} of ${FILTERS} filters match
compiling and matching: ${(cold / FILTERS).toFixed(2)} µs a filter
matching, compiled:     ${(warm / FILTERS).toFixed(2)} µs a filter
ratio:                  ${(cold / warm).toFixed(0)}`;
}

/** Microseconds of processor time that all filters take. */
function pass(): number {
  const before = process.cpuUsage();
  const matched = filters.filter((filter) => matches(filter, document)).length;
  const { user, system } = process.cpuUsage(before);
  if (matched !== MATCHING)
    throw new Error(`${matched} of ${FILTERS} filters match, where ${MATCHING} should.`);
  return user + system;
}
