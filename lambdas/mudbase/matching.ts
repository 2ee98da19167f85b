import { isDeepStrictEqual } from "node:util";
import * as module from "sift";
import { conditionsOf, Filter, operators } from "#mudbase/model/filter.ts";
import type { Watched } from "#mudbase/model/query.ts";
import type { LiveQuery, Queries } from "#mudbase/store/queries.ts";
import type { Match, Matching } from "#server/model/matching.ts";
import type { AppRuntime } from "#server/runtime.ts";

// Node reads the package's CommonJS build, whose export is a function that has all names.
const sift = { ...module, ...module.default };

/** Steps of matching one filter with one document: each value and each entry of a list looked at. */
const STEPS_A_FILTER = 1_000_000;

/** The same for all that one function matches, about a second: it ends the page a socket later. */
const STEPS_A_PAGE = 10_000_000;

/** Bytes of compiled filters that a warm function keeps. */
const COMPILED_BYTES = 32_000_000;

interface Compiled {
  /** Nothing where the stored filter is none that `subscribe:query` would take. */
  readonly matches?: (document: object) => boolean;
  readonly bytes: number;
  isReported?: boolean;
}

const compiled = new Map<string, Compiled>();
let compiledBytes = 0;
let steps = 0;

/** Says that a live query was skipped, once for each filter that is kept. */
type Report = (query: LiveQuery, reason: string) => void;

/** Live queries on a collection, as many as one function matches. No stored filter makes it fail. */
export const createMatching = (
  { queries }: { readonly queries: Pick<Queries, "page"> },
  { telemetry }: Pick<AppRuntime, "telemetry">,
): Matching<Watched> => ({
  async page(org, { key, documents }, range, limit) {
    const { found, until } = await queries.page(org, key, range, limit);
    const matching: Match[] = [];
    let reached: string | undefined;
    let spent = 0;
    for (const query of found) {
      const { sid, connectionId, queryId } = query;
      if (spent > STEPS_A_PAGE && sid !== reached) return { matching, until: reached };
      reached = sid;
      const { isMatch, steps } = isMatching(query, documents, report);
      spent += steps;
      if (isMatch) matching.push({ sid, connectionId, field: ["queryId", queryId] });
    }
    return { matching, until };

    function report({ connectionId, queryId }: LiveQuery, reason: string): void {
      telemetry.fail("a live query was skipped", new Error(reason), { connectionId, queryId });
    }
  },
});

/** Whether a query matches one of some documents, and the steps that this took. */
export function isMatching(
  query: LiveQuery,
  documents: Watched["documents"],
  report: Report = () => undefined,
) {
  let spent = 0;
  const isMatch = documents.some((document) => {
    const { isMatch, steps } = match(query, document, report);
    spent += steps;
    return isMatch;
  });
  return { isMatch, steps: spent };
}

function match(query: LiveQuery, document: object, report: Report) {
  const filter = compile(query.filter);
  steps = 0;
  const isMatch = filter.matches?.(document) ?? false;
  const isSkipped = filter.matches === undefined || steps > STEPS_A_FILTER;
  if (isSkipped && !filter.isReported) report(query, reasonOf(filter));
  filter.isReported ||= isSkipped;
  return { isMatch, steps };
}

const reasonOf = ({ matches }: Compiled): string =>
  matches === undefined
    ? "its stored filter is none that can be matched"
    : `matching it took more than ${STEPS_A_FILTER} steps`;

/** A filter as it was stored, found compiled where it was seen not long ago. */
function compile(filter: string): Compiled {
  const known = compiled.get(filter);
  const fresh = known ?? compileAnew(filter);
  // What was used last goes to the end; what was not used for longest is the first to go.
  if (known === undefined) compiledBytes += fresh.bytes;
  else compiled.delete(filter);
  compiled.set(filter, fresh);
  if (compiledBytes > COMPILED_BYTES) forgetOldest();
  return fresh;
}

function forgetOldest(): void {
  for (const [filter, { bytes }] of compiled) {
    if (compiledBytes <= COMPILED_BYTES) return;
    compiled.delete(filter);
    compiledBytes -= bytes;
  }
}

/** Nobody but the table knows how a filter came into it: it is checked as `subscribe:query` does. */
function compileAnew(filter: string): Compiled {
  const parsed = Filter.safeParse(parse(filter));
  if (!parsed.success) return { bytes: bytesOf(filter, 0) };
  const test = sift.createQueryTester(parsed.data, { compare, operations });
  return {
    matches: (document) => attempt(test, document),
    bytes: bytesOf(filter, conditionsOf(parsed.data)),
  };
}

/** An upper bound, as measured by `bench/matching.ts`. */
const bytesOf = (filter: string, conditions: number): number =>
  1000 + 8 * filter.length + 1000 * conditions;

function parse(filter: string): unknown {
  try {
    return JSON.parse(filter);
  } catch {
    return undefined;
  }
}

function attempt(test: (document: object) => boolean, document: object): boolean {
  try {
    return test(document);
  } catch {
    // A value that does not fit the operator, or too many steps, match nothing, whatever else it says.
    return false;
  }
}

/** Counts what is about to be looked at; `sift` copies a list for each look at it. */
function count(value: unknown): void {
  steps += sizeOf(value);
  if (steps > STEPS_A_FILTER) throw new Error("too many steps");
}

const sizeOf = (value: unknown): number =>
  Array.isArray(value) ? value.reduce<number>((size, entry) => size + sizeOf(entry), 1) : 1;

/** Equality of JSON, where `null` is also what is missing. */
function compare(a: unknown, b: unknown): boolean {
  count(b);
  return (a ?? null) === (b ?? null) || (typeof a === "object" && isDeepStrictEqual(a, b));
}

type Operator = (typeof sift)["$eq"];

const operations = Object.fromEntries(
  operators.map((name) => [name, counted(sift[name as "$eq"])]),
);

/** The operator, with each value that it looks at counted. */
function counted(create: Operator): Operator {
  return (...given) => {
    const operation = create(...given);
    const next = operation.next.bind(operation);
    operation.next = (item, ...rest) => {
      count(item);
      return next(item, ...rest);
    };
    return operation;
  };
}
