import { parseArgs } from "node:util";
import { createMatching } from "../lambdas/mudbase/matching.ts";
import { EVERYBODY } from "../lambdas/server/model/key-range.ts";
import { SILENT } from "../test/support/silent.ts";
import { measureCopies } from "./support/copies.ts";
import { cpuOf, heapInUse, median } from "./support/measure.ts";

const HELP = `Measures the cost of matching live queries: the processor time of one document against a thousand stored
filters, compiled for the first time and found compiled, ordinary ones and the most expensive ones; and
the memory of compiled filters; and the cost of the copies of one change. Fails if the wrong number of them match.

  npx tsx bench/matching.ts [--quick]

  --quick  match only a few of the most expensive filters, and fill the cache once: the numbers mean nothing
  --help   show this help
`;

const FILTERS = 1000;
/** The number of filters that the document matches. */
const MATCHING = 10;
const document = { _id: "d1", n: 500, tags: ["b"], done: false };
const ordinary = filters((n) => ({
  $and: [{ n: { $gte: n, $lt: n + 10 } }, { tags: { $in: ["a", "b"] } }],
  done: false,
}));

/** The maximum number of conditions, with the operator of most steps, against a list of 10,000. */
const largest = { _id: "d1", tags: Array.from({ length: 10_000 }, (_, n) => n) };
const costliest = filters((n) => ({
  tags: { $all: Array.from({ length: 48 }, (_, entry) => `${n} ${entry}`) },
}));

try {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({ options: { help: flag, quick: flag } });
  console.log(values.help ? HELP : await measure(values.quick));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function measure(isQuick: boolean): Promise<string> {
  const heap = heapInUse();
  const cold = await cpuOf(pass);
  for (let warmUp = 0; warmUp < 20; warmUp += 1) await pass();
  const runs: number[] = [];
  for (let run = 0; run < 21; run += 1) runs.push(await cpuOf(pass));
  const warm = median(runs);
  const functions: number[] = [];
  const dearest = isQuick ? costliest.slice(0, 50) : costliest;
  await match(dearest, largest, async (work) => void functions.push(await cpuOf(work)));
  // Twenty times as many as the cache holds.
  for (let round = 1; round <= (isQuick ? 1 : 20); round += 1)
    await match(
      filters((n) => ({ [`f${round}`]: { $all: Array.from({ length: 48 }, (_, i) => n + i) } })),
      document,
    );
  const kept = heapInUse() - heap;
  const copies = await measureCopies();
  return `${MATCHING} of ${FILTERS} filters match
compiling and matching: ${(cold / FILTERS).toFixed(2)} µs a filter
matching, compiled:     ${(warm / FILTERS).toFixed(2)} µs a filter
ratio:                  ${(cold / warm).toFixed(0)}
the most expensive:     ${functions.length} functions, the longest ${(Math.max(...functions) / 1000).toFixed(0)} ms
compiled filters hold:  ${(kept / 1e6).toFixed(0)} MB
a change's copies:      ${copies}`;
}

/** All ordinary filters, matched by one function. */
async function pass(): Promise<void> {
  const matched = await match(ordinary, document);
  if (matched !== MATCHING)
    throw new Error(`${matched} of ${FILTERS} filters match, but ${MATCHING} should.`);
}

/** Matches all filters, each function by `run`, and returns how many match. */
async function match(
  stored: readonly string[],
  matched: object,
  run = (work: () => Promise<void>) => work(),
): Promise<number> {
  const queries = stored.map((filter, n) => ({
    ...{ sid: `${n}`, connectionId: `${n}` },
    ...{ queryId: "q", filter },
  }));
  let next = 0;
  let matching = 0;
  const { page } = createMatching(
    { queries: { page: async () => ({ found: queries.slice(next) }) } },
    { telemetry: SILENT },
  );
  const key = { projectId: "p1", collectionId: "todos" };
  while (next < queries.length)
    await run(async () => {
      const done = await page("acme", { key, documents: [matched] }, EVERYBODY, FILTERS);
      matching += done.matching.length;
      next = done.until === undefined ? queries.length : Number(done.until) + 1;
    });
  return matching;
}

function filters(filter: (n: number) => object): readonly string[] {
  return Array.from({ length: FILTERS }, (_, n) => JSON.stringify(filter(n)));
}
