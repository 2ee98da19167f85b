import * as z from "zod/mini";
import { record } from "#server/model/fields.ts";

const MAX_BYTES = 4096;
const MAX_DEPTH = 5;
const MAX_CONDITIONS = 50;

/**
 * A MongoDB-style filter of `subscribe:query`: at most 4 KiB of JSON, 5 levels deep and 50 conditions,
 * every entry of a list counted as one; only operators that compare, each with an operand it can use.
 */
export const Filter = z.pipe(
  record(z.unknown()),
  z.custom<Readonly<Record<string, unknown>>>().check(({ value, issues }) => {
    const fault = excessOf(value) ?? inQuery(value, []);
    if (fault !== undefined) issues.push({ code: "custom", input: value, ...fault });
  }),
);
export type Filter = z.infer<typeof Filter>;

type Path = (string | number)[];
type Fault = { readonly path: Path; readonly message: string } | undefined;
type Check = (operand: unknown, path: Path) => Fault;

const inQueries: Check = (operand, path) => {
  if (!Array.isArray(operand) || operand.length === 0)
    return { path, message: "must be a list of filters, and not empty" };
  return inEach(operand, path, inQuery);
};

const inLiterals: Check = (operand, path) =>
  Array.isArray(operand) ? inEach(operand, path, inLiteral) : { path, message: "must be a list" };

const inAll: Check = (operand, path) =>
  Array.isArray(operand)
    ? inEach(operand, path, (entry, at) => (isObject(entry) ? inQuery : inLiteral)(entry, at))
    : { path, message: "must be a list" };

const operand =
  (isFit: (operand: unknown) => boolean, message: string): Check =>
  (given, path) =>
    isFit(given) ? undefined : { path, message };

const TYPES = ["number", "string", "bool", "array", "null"];

const inOrder = operand(
  (given) => ["number", "string", "boolean"].includes(typeof given),
  "must be a number, a text or a boolean",
);

/** What may join filters, and what may compare a field: the operators that `sift` is given. */
const OPERATORS: Readonly<Record<string, Check>> = {
  $and: inQueries,
  $or: inQueries,
  $nor: inQueries,
  $not: inQuery,
  $elemMatch: inQuery,
  $eq: inLiteral,
  $ne: inLiteral,
  $gt: inOrder,
  $gte: inOrder,
  $lt: inOrder,
  $lte: inOrder,
  $in: inLiterals,
  $nin: inLiterals,
  $all: inAll,
  $exists: operand(
    (given) => typeof given === "boolean" || typeof given === "number",
    "must be true or false",
  ),
  $type: operand(
    (given) => TYPES.some((type) => type === given),
    `must be one of ${TYPES.join(", ")}`,
  ),
  $mod: operand(
    (given) =>
      Array.isArray(given) && given.length === 2 && given.every(Number.isInteger) && given[0] !== 0,
    "must be a divisor other than 0 and a remainder",
  ),
  $size: operand((given) => Number.isInteger(given) && Number(given) >= 0, "must be a length"),
};

/** The names of the operators a filter may use. */
export const operators: readonly string[] = Object.keys(OPERATORS);

function inQuery(query: unknown, path: Path): Fault {
  if (!isObject(query)) return { path, message: "must be a filter" };
  return firstOf(Object.entries(query), ([key, inner]) =>
    isOperator(key) ? inOperator(key, inner, [...path, key]) : inField(key, inner, [...path, key]),
  );
}

function inField(name: string, condition: unknown, path: Path): Fault {
  // sift would read these from what every object inherits.
  if (name.split(".").some((segment) => segment in Object.prototype))
    return { path, message: "is no name that a field may have" };
  if (!isObject(condition) || !Object.keys(condition).some(isOperator))
    return inLiteral(condition, path);
  return firstOf(Object.entries(condition), ([key, inner]) => {
    const at = [...path, key];
    if (!isOperator(key)) return { path: at, message: "must not stand beside operators" };
    if (OPERATORS[key] === inQueries) return { path: at, message: "must not stand under a field" };
    return inOperator(key, inner, at);
  });
}

const inOperator = (name: string, given: unknown, path: Path): Fault =>
  OPERATORS[name] === undefined
    ? { path, message: `must not use the operator ${name}` }
    : OPERATORS[name](given, path);

function inLiteral(value: unknown, path: Path): Fault {
  if (Array.isArray(value)) return inEach(value, path, inLiteral);
  if (!isObject(value)) return undefined;
  return firstOf(Object.entries(value), ([key, inner]) =>
    isOperator(key) || key === "__proto__"
      ? { path: [...path, key], message: "is no name that a field of a value may have" }
      : inLiteral(inner, [...path, key]),
  );
}

/** How a filter goes beyond the limits of its size. */
function excessOf(filter: object): Fault {
  if (Buffer.byteLength(JSON.stringify(filter)) > MAX_BYTES)
    return { path: [], message: `must be at most ${MAX_BYTES} bytes of JSON` };
  if (depthOf(filter) > MAX_DEPTH)
    return { path: [], message: `must be at most ${MAX_DEPTH} levels deep` };
  if (conditionsOf(filter) > MAX_CONDITIONS)
    return { path: [], message: `must hold at most ${MAX_CONDITIONS} conditions` };
  return undefined;
}

/** Objects within each other; a list in a list is one, too. */
function depthOf(value: unknown, isListed = false): number {
  if (typeof value !== "object" || value === null) return 0;
  const isList = Array.isArray(value);
  const inner = Object.values(value).map((each) => depthOf(each, isList));
  return Math.max(0, ...inner) + (isList && !isListed ? 0 : 1);
}

/** The fields, operators and entries of lists that a filter holds. */
export const conditionsOf = (value: unknown): number =>
  typeof value !== "object" || value === null
    ? 0
    : Object.values(value).reduce<number>((sum, inner) => sum + 1 + conditionsOf(inner), 0);

const isOperator = (key: string): boolean => key.startsWith("$");

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const inEach = (list: readonly unknown[], path: Path, check: Check): Fault =>
  firstOf(list.entries(), ([index, entry]) => check(entry, [...path, index]));

function firstOf<Entry>(entries: Iterable<Entry>, check: (entry: Entry) => Fault): Fault {
  for (const entry of entries) {
    const fault = check(entry);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
