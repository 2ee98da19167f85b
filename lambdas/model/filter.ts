import * as z from "zod/mini";

const OPERATORS = new Set(
  "$eq $ne $gt $gte $lt $lte $in $nin $and $or $nor $not $exists $type $mod $all $elemMatch $size".split(
    " ",
  ),
);
const MAX_DEPTH = 5;
const MAX_CONDITIONS = 50;

/**
 * A MongoDB-style filter of `subscribe:query`: at most 5 levels deep and 50 conditions, and only
 * operators that compare. `$where`, `$regex`, `$function`, `$expr` and unknown ones are refused.
 */
export const Filter = z.record(z.string(), z.unknown()).check(({ value, issues }) => {
  const message = findFault(value);
  if (message !== undefined) issues.push({ code: "custom", message, input: value });
});
export type Filter = z.infer<typeof Filter>;

function findFault(filter: object): string | undefined {
  let conditions = 0;
  const visit = (value: unknown, depth: number): string | undefined => {
    if (typeof value !== "object" || value === null) return undefined;
    if (depth > MAX_DEPTH) return `must be at most ${MAX_DEPTH} levels deep`;
    for (const [key, inner] of Object.entries(value)) {
      if (key.startsWith("$") && !OPERATORS.has(key)) return `must not use the operator ${key}`;
      if (!Array.isArray(value)) conditions += 1;
      if (conditions > MAX_CONDITIONS) return `must hold at most ${MAX_CONDITIONS} conditions`;
      const listed = Array.isArray(inner) && !Array.isArray(value);
      const fault = visit(inner, listed ? depth : depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
  return visit(filter, 1);
}
