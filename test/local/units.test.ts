import { afterAll, describe, expect, test } from "vitest";
import { startDatabase } from "../../local/database.ts";
import { bytesOf, createUnits, writeUnits } from "../../local/units.ts";
import { createMeter, increments } from "../../local/usage.ts";

const table = {
  name: "items",
  attributes: ["pk", "sk", "shard"].map((AttributeName) => ({
    AttributeName,
    AttributeType: AttributeName === "shard" ? "N" : "S",
  })),
  keySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  indexes: [
    {
      IndexName: "byShard",
      KeySchema: [
        { AttributeName: "shard", KeyType: "HASH" },
        { AttributeName: "pk", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
};
const TableName = table.name;

const database = await startDatabase({ tables: [table] });
afterAll(() => database.stop());
const meter = createMeter();
const units = createUnits([table], database.call, meter.count);

/** What a call consumes. */
async function unitsOf(operation: string, input: object) {
  meter.take();
  await units.observe(operation, { TableName, ...input }, async (body) => {
    const answer = await database.call(operation, JSON.parse(String(body)));
    return { status: "__type" in answer ? 400 : 200, text: JSON.stringify(answer) };
  });
  const { readUnits, writeUnits: written } = meter.take();
  return { reads: readUnits, writes: written };
}

const key = (pk: string) => ({ pk: { S: pk }, sk: { S: "a" } });
const item = (pk: string, bytes: number, more: object = {}) => ({
  ...{ ...key(pk), text: { S: "x".repeat(bytes) } },
  ...more,
});
const put = (Item: object) => unitsOf("PutItem", { Item });

test.each([
  [0, 1],
  [1, 1],
  [32 * 1024, 1],
  [32 * 1024 + 1, 2],
  [128 * 1024, 4],
])("%i bytes are billed as %i times 32 KB", (bytes, billed) => {
  expect(increments(bytes, 32 * 1024)).toBe(billed);
});

test.each([
  ["a text, in UTF-8", { té: { S: "é" } }, 3 + 2],
  ["a number, two digits a byte", { n: { N: "-12345.60" } }, 1 + 3 + 1 + 1],
  ["a number of which only zeros are left out", { n: { N: "100" } }, 1 + 1 + 1],
  ["a truth value and nothing", { a: { BOOL: true }, b: { NULL: true } }, 4],
  ["bytes", { b: { B: "AAAA" } }, 1 + 3],
  ["a set", { s: { SS: ["ab", "c"] } }, 1 + 3],
  ["a list and a map", { l: { L: [{ S: "ab" }] }, m: { M: { a: { S: "b" } } } }, 7 + 1 + 3 + 1 + 2],
])("the size of %s is DynamoDB's", (_, image, bytes) => {
  expect(bytesOf(image)).toBe(bytes);
});

describe("a write consumes", () => {
  const small = item("a", 10);
  const indexed = { ...small, shard: { N: "1" } };
  const large = item("a", 2000);

  test.each([
    ["a unit if nothing is there, and nothing comes", undefined, undefined, 1],
    ["as many units as KB", undefined, large, 2],
    ["what the larger of before and after does", large, small, 2],
    ["one more for an entry of an index that is put", undefined, indexed, 2],
    ["one more for an entry that is deleted", indexed, undefined, 2],
    ["two more for one whose key changes", indexed, { ...indexed, shard: { N: "2" } }, 3],
    ["nothing more for one that stays", indexed, { ...indexed, n: { N: "1" } }, 1],
  ])("%s", (_, before, after, consumed) => {
    expect(writeUnits(table, before, after)).toBe(consumed);
  });
});

describe("of the database", () => {
  test("puts, updates and deletes consume by size, in batches too", async () => {
    expect(await put(item("w", 2000, { shard: { N: "1" } }))).toEqual({ reads: 0, writes: 3 });
    expect(
      await unitsOf("UpdateItem", {
        ...{ Key: key("w"), UpdateExpression: "SET #n = :one" },
        ExpressionAttributeNames: { "#n": "n" },
        ExpressionAttributeValues: { ":one": { N: "1" } },
      }),
    ).toEqual({ reads: 0, writes: 2 });
    const entries = [
      { PutRequest: { Item: item("v", 1500) } },
      { DeleteRequest: { Key: key("w") } },
      { DeleteRequest: { Key: key("nobody") } },
    ];
    expect(
      await unitsOf("BatchWriteItem", { TableName: undefined, RequestItems: { items: entries } }),
    ).toEqual({ reads: 0, writes: 2 + 3 + 1 });
  });

  test("a write whose condition fails consumes by what is there, an invalid one nothing", async () => {
    await put(item("c", 3500));
    const create = { Item: item("c", 1), ConditionExpression: "attribute_not_exists(pk)" };

    expect(await unitsOf("PutItem", create)).toEqual({ reads: 0, writes: 4 });
    expect(await unitsOf("PutItem", { Item: { pk: { S: "c" } } })).toEqual({ reads: 0, writes: 0 });
  });

  test("reads consume by 4 KB, half where they need not be consistent, and never nothing", async () => {
    await put(item("r", 5000));
    const get = { Key: key("r"), ProjectionExpression: "pk" };
    const query = (pk: string, ConsistentRead: boolean) => ({
      ...{ KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": { S: pk } } },
      ConsistentRead,
    });
    const asked = { Keys: [key("r"), key("nobody")], ConsistentRead: true };

    expect(await unitsOf("GetItem", { ...get, ConsistentRead: true })).toMatchObject({ reads: 2 });
    expect(await unitsOf("GetItem", get)).toMatchObject({ reads: 1 });
    expect(
      await unitsOf("BatchGetItem", { TableName: undefined, RequestItems: { items: asked } }),
    ).toMatchObject({ reads: 3 });
    expect(await unitsOf("Query", query("r", true))).toMatchObject({ reads: 2 });
    expect(await unitsOf("Query", query("nobody", true))).toMatchObject({ reads: 1 });
    expect(await unitsOf("Query", query("nobody", false))).toMatchObject({ reads: 0.5 });
  });

  test("an index of more than keys is refused: its units would be counted wrong", () => {
    const [index] = table.indexes;
    const whole = { ...index, KeySchema: [], Projection: { ProjectionType: "ALL" } };

    expect(() => createUnits([{ ...table, indexes: [whole] }], database.call, meter.count)).toThrow(
      "The table items of the template has an index of more than keys",
    );
  });
});
