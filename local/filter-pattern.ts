import * as z from "zod";

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Test = z.union([
  Scalar,
  z.strictObject({ prefix: z.string() }),
  z.strictObject({ suffix: z.string() }),
  z.strictObject({ exists: z.boolean() }),
  z.strictObject({ "anything-but": z.union([Scalar, z.array(Scalar)]) }),
]);
type Test = z.infer<typeof Test>;

/** A filter of Lambda's event source mappings, as far as it is supported locally. */
export interface FilterPattern {
  readonly [field: string]: FilterPattern | readonly Test[];
}
export const FilterPattern: z.ZodType<FilterPattern> = z.lazy(() =>
  z.record(z.string(), z.union([z.array(Test), FilterPattern])),
);

/** Whether a record has in each field of the pattern one of the values named there. */
export const matches = (pattern: FilterPattern, record: unknown): boolean =>
  Object.entries(pattern).every(([field, wanted]) => {
    const found = fieldOf(record, field);
    return isTests(wanted) ? wanted.some((one) => passes(one, found)) : matches(wanted, found);
  });

const isTests = (wanted: FilterPattern | readonly Test[]): wanted is readonly Test[] =>
  Array.isArray(wanted);

function fieldOf(record: unknown, field: string): unknown {
  if (typeof record !== "object" || record === null || !Object.hasOwn(record, field))
    return undefined;
  return (record as Record<string, unknown>)[field];
}

function passes(test: Test, found: unknown): boolean {
  if (typeof test !== "object" || test === null) return found === test;
  if ("exists" in test) return (found !== undefined) === test.exists;
  if ("prefix" in test) return typeof found === "string" && found.startsWith(test.prefix);
  if ("suffix" in test) return typeof found === "string" && found.endsWith(test.suffix);
  return found !== undefined && ![test["anything-but"]].flat().some((one) => one === found);
}
