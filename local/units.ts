import { type CallDatabase, type Image, imagesOf, keyIn, targetsOf } from "./streams.ts";
import type { IndexDefinition, TableDefinition } from "./template.ts";
import { increments, type Meter } from "./usage.ts";

const READS = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);
const WRITE_BYTES = 1024;

/** A response of the database: its status, and its text in DynamoDB's JSON. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Counts the units that calls of the database consume. */
export interface Units {
  /** Makes a call by `send`, which is given the body to send. */
  observe<Result extends Answer>(
    operation: string,
    input: object,
    send: (body: Buffer) => Promise<Result>,
  ): Promise<Result>;
}

/**
 * Counts as DynamoDB does: reads by what was read, 4 KB a unit and half of it where they need not be
 * consistent; writes by the larger of the item before and after, 1 KB a unit, those whose condition failed
 * by the item that is there, and entries of indexes besides.
 */
export function createUnits(
  tables: readonly TableDefinition[],
  call: CallDatabase,
  count: Meter["count"],
): Units {
  for (const { name, indexes } of tables)
    if (indexes.some(({ Projection }) => Projection?.ProjectionType !== "KEYS_ONLY"))
      throw new Error(
        `The table ${name} of the template has an index of more than keys, whose units are not counted locally.`,
      );
  const byName = new Map(tables.map((table) => [table.name, table]));

  return {
    async observe(operation, input, send) {
      if (READS.has(operation)) return read(input, send);
      const targets = targetsOf(operation, input, byName);
      const before = await imagesOf(call, targets);
      const answer = await send(Buffer.from(JSON.stringify(input)));
      if (answer.status === 200 || answer.text.includes("ConditionalCheckFailed")) {
        const after = await imagesOf(call, targets);
        const units = targets.map(({ table }, index) =>
          writeUnits(table, before[index], after[index]),
        );
        count({ writeUnits: sumOf(units) });
      }
      return answer;
    },
  };

  async function read<Result extends Answer>(
    input: object,
    send: (body: Buffer) => Promise<Result>,
  ): Promise<Result> {
    const asked = { ...input, ReturnConsumedCapacity: "TOTAL" };
    const answer = await send(Buffer.from(JSON.stringify(asked)));
    const { ConsumedCapacity } = JSON.parse(answer.text) as { ConsumedCapacity?: Consumed };
    if (ConsumedCapacity === undefined) return answer;
    const units = [ConsumedCapacity].flat().map(({ CapacityUnits }) => CapacityUnits);
    // A query that finds nothing is not free, but the embedded database has it so.
    const { ConsistentRead } = input as { readonly ConsistentRead?: boolean };
    count({ readUnits: Math.max(ConsistentRead === true ? 1 : 0.5, sumOf(units)) });
    return answer;
  }
}

type Consumed = Capacity | readonly Capacity[];
interface Capacity {
  readonly CapacityUnits: number;
}

/** The units of one item's write, with those of the indexes that it is in. */
export function writeUnits(
  table: Keyed,
  before: Image | undefined,
  after: Image | undefined,
): number {
  const size = Math.max(...[before, after].map((image) => (image ? bytesOf(image) : 0)));
  const indexed = table.indexes.map((index) => indexUnits(table, index, before, after));
  return increments(size, WRITE_BYTES) + sumOf(indexed);
}

type Keyed = Pick<TableDefinition, "keySchema" | "indexes">;

/** An entry of an index is written only if it changes; one whose key changes is deleted and put. */
function indexUnits(
  table: Keyed,
  index: IndexDefinition,
  before: Image | undefined,
  after: Image | undefined,
): number {
  const [old, made] = [before, after].map((image) => entryIn(table, index, image));
  if (JSON.stringify(old) === JSON.stringify(made)) return 0;
  return sumOf(
    [old, made].map((entry) => (entry === undefined ? 0 : increments(bytesOf(entry), WRITE_BYTES))),
  );
}

/** The keys of an item that an index of keys holds, if the item is in it. */
function entryIn(
  table: Keyed,
  { KeySchema }: IndexDefinition,
  image: Image | undefined,
): Image | undefined {
  if (image === undefined) return undefined;
  const isIn = KeySchema.every(({ AttributeName }) => image[AttributeName] !== undefined);
  return isIn ? { ...keyIn(table, image), ...keyIn({ keySchema: KeySchema }, image) } : undefined;
}

/** The bytes of an item as DynamoDB counts them: names and texts in UTF-8, and two digits of a number a byte. */
export const bytesOf = (image: Image): number =>
  sumOf(Object.entries(image).map(([name, value]) => Buffer.byteLength(name) + valueBytes(value)));

function valueBytes(value: unknown): number {
  const [[type = "", held] = []] = Object.entries(value as object);
  switch (type) {
    case "S":
      return Buffer.byteLength(held as string);
    case "N":
      return numberBytes(held as string);
    case "B":
      return Buffer.from(held as string, "base64").length;
    case "SS":
    case "NS":
    case "BS":
      return sumOf((held as readonly string[]).map((one) => valueBytes({ [type.charAt(0)]: one })));
    case "L":
      return 3 + sumOf((held as readonly unknown[]).map((one) => 1 + valueBytes(one)));
    case "M":
      return 3 + Object.keys(held as Image).length + bytesOf(held as Image);
    default:
      return 1;
  }
}

function numberBytes(text: string): number {
  const [mantissa = ""] = text.toLowerCase().split("e");
  const digits = mantissa.replace(/[-+.]/g, "").replace(/^0+|0+$/g, "").length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith("-") ? 1 : 0);
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
