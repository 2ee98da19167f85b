import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  BatchWriteCommand,
  type BatchWriteCommandInput,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { Key } from "./keys.ts";

/** The attributes of an item, its key included. */
export type Item = Record<string, unknown>;

/** An item with its key. */
export type KeyedItem = Key & Item;

const WRITES_A_BATCH = 25;
const GETS_A_BATCH = 100;
const BATCH_TRIES = 6;
const FIRST_WAIT = 25;

/**
 * The one table, in the calls the stores make of it. Condition failures are results here. But where
 * the SDK has repeated a call, nobody can tell whether the first try did it: then it is thrown.
 */
export interface Table {
  /** The item as it is now, or the attributes of it that `projection` names. */
  get(key: Key, projection?: string): Promise<Item | undefined>;
  /** The item as it may have been a moment ago, at half the price. */
  peek(key: Key): Promise<Item | undefined>;
  /** Those of these items that there are, in no order. */
  getAll(keys: readonly Key[]): Promise<Item[]>;
  /** Puts an item, whatever was there. */
  put(item: KeyedItem): Promise<void>;
  /** Puts an item where the condition holds, however often the call is made; `false` where it does not. */
  putIf(item: KeyedItem, condition: Condition): Promise<boolean>;
  /** Puts an item unless there is one of its key; `false` where there is another. */
  create(item: KeyedItem): Promise<boolean>;
  /** The attributes asked for by `returns`, or `undefined` where the condition did not hold. */
  update(key: Key, change: Change): Promise<Item | undefined>;
  /** The item as it was, or `undefined` where there was none or the condition did not hold. */
  remove(key: Key, condition?: Condition): Promise<Item | undefined>;
  /** Puts and deletes in batches of 25; what DynamoDB leaves unprocessed is tried again. */
  writeAll(puts: readonly KeyedItem[], deletes: readonly Key[]): Promise<void>;
  /** The pages of a query, or the first ones: what others have stored decides how many there are. */
  pages(query: Query, most?: number): AsyncIterable<Page>;
  /** The first page of a query. */
  page(query: Query): Promise<Page>;
}

/** What a store is made over. */
export interface Storage {
  readonly table: Table;
  readonly now: () => number;
}

/** One page of a query: its items, how many matched, and where the next page starts. */
export interface Page {
  readonly items: Item[];
  readonly count: number;
  readonly last?: Item | undefined;
}

/** DynamoDB's expressions, with the names and values that they refer to. */
export interface Condition {
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Item;
}

/** An update expression, and the condition under which it is made. */
interface Change extends Condition {
  readonly update: string;
  /** Whether its condition holds again after it was made, so that nothing is unknown where the SDK has repeated it. */
  readonly isRepeatable?: boolean;
  /** Whether an item is as this call alone leaves it: asked where the SDK has repeated it and its condition does not hold. */
  readonly isOwn?: (item: Item) => boolean;
  readonly returns?: UpdateCommandInput["ReturnValues"];
}

const inputOf = ({ condition, names, values }: Condition) => ({
  ...(condition !== undefined && { ConditionExpression: condition }),
  ...(names !== undefined && { ExpressionAttributeNames: names }),
  ...(values !== undefined && { ExpressionAttributeValues: values }),
});

type Gets = NonNullable<BatchGetCommandInput["RequestItems"]>;
type Writes = NonNullable<BatchWriteCommandInput["RequestItems"]>;
/** A query, as the SDK takes it. */
type Query = Omit<QueryCommandInput, "TableName">;

export interface TableParts {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

type Reads = Pick<Table, "get" | "peek" | "getAll" | "pages" | "page">;

/** The table behind a document client. */
export function createTable(parts: TableParts): Table {
  const reads = createReads(parts);
  return { ...reads, ...createWrites(parts, reads) };
}

function createReads(parts: TableParts): Reads {
  const { client, tableName: TableName } = parts;
  return {
    async get(Key, ProjectionExpression) {
      const read = { TableName, Key, ConsistentRead: true };
      const { Item } = await client.send(
        new GetCommand(
          ProjectionExpression === undefined ? read : { ...read, ProjectionExpression },
        ),
      );
      return Item;
    },

    async peek(Key) {
      const { Item } = await client.send(new GetCommand({ TableName, Key }));
      return Item;
    },

    async getAll(keys) {
      const found: Item[] = [];
      // DynamoDB refuses a batch that names a key twice.
      const each = new Map(keys.map(({ pk, sk }) => [JSON.stringify([pk, sk]), { pk, sk }]));
      for (const Keys of chunks([...each.values()], GETS_A_BATCH)) {
        await untilDone<Gets>(
          parts,
          { [TableName]: { Keys, ConsistentRead: true } },
          async (RequestItems) => {
            const { Responses, UnprocessedKeys } = await client.send(
              new BatchGetCommand({ RequestItems }),
            );
            found.push(...(Responses?.[TableName] ?? []));
            return UnprocessedKeys;
          },
        );
      }
      return found;
    },

    async *pages(query, most = Number.POSITIVE_INFINITY) {
      let start: Item | undefined;
      for (let read = 0; read < most; read += 1) {
        const page = await pageFrom(query, start);
        yield page;
        if (page.last === undefined) return;
        start = page.last;
      }
    },

    page: (query) => pageFrom(query, undefined),
  };

  async function pageFrom(query: Query, start: Item | undefined): Promise<Page> {
    const input = { ...query, TableName };
    const page = await client.send(
      new QueryCommand(start === undefined ? input : { ...input, ExclusiveStartKey: start }),
    );
    return { items: page.Items ?? [], count: page.Count ?? 0, last: page.LastEvaluatedKey };
  }
}

function createWrites(parts: TableParts, { get, getAll }: Reads): Omit<Table, keyof Reads> {
  const { client, tableName: TableName } = parts;
  return {
    async put(Item) {
      await client.send(new PutCommand({ TableName, Item }));
    },

    async putIf(Item, condition) {
      const put = new PutCommand({ TableName, Item, ...inputOf(condition) });
      return (await unlessConditionFails(() => client.send(put), true)) !== undefined;
    },

    async create(Item) {
      const put = new PutCommand({
        TableName,
        Item,
        ConditionExpression: "attribute_not_exists(pk)",
      });
      try {
        return (await unlessConditionFails(() => client.send(put))) !== undefined;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // It was tried again after an answer was lost: what is there may be its own.
        return await holds(await get({ pk: Item.pk, sk: Item.sk }), Item);
      }
    },

    async update(Key, { update, returns: ReturnValues, isRepeatable, isOwn, ...change }) {
      const expressions = { UpdateExpression: update, ReturnValues, ...inputOf(change) };
      try {
        return await unlessConditionFails(async () => {
          const updated = await client.send(new UpdateCommand({ TableName, Key, ...expressions }));
          if (isRepeatable !== true && ReturnValues?.endsWith("_OLD") && wasRetried(updated))
            throw new Error("an update was made twice; what was there before is not known");
          return updated.Attributes ?? {};
        }, isRepeatable);
      } catch (error) {
        if (isOwn === undefined || !(error instanceof ConditionalCheckFailedException)) throw error;
        // In a batch, the one kind of read that every function may do.
        return (await getAll([Key])).find(isOwn);
      }
    },

    remove: (Key, { condition, ...more } = {}) =>
      unlessConditionFails(async () => {
        // What the SDK deletes again is gone by then.
        const orGone = condition && { condition: `attribute_not_exists(pk) OR (${condition})` };
        const input = { TableName, Key, ...inputOf({ ...more, ...orGone }) };
        const command = new DeleteCommand({ ...input, ReturnValues: "ALL_OLD" });
        return (await client.send(command)).Attributes;
      }),

    async writeAll(puts, deletes) {
      const writes = [
        ...puts.map((Item) => ({ PutRequest: { Item } })),
        ...deletes.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })),
      ];
      for (const batch of chunks(writes, WRITES_A_BATCH))
        await untilDone<Writes>(parts, { [TableName]: batch }, async (RequestItems) => {
          const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems }));
          return UnprocessedItems;
        });
    },
  };
}

/** Sends a batch, and what is left of it, until nothing is. */
async function untilDone<Requests extends object>(
  { pause }: TableParts,
  requests: Requests,
  send: (requests: Requests) => Promise<Requests | undefined>,
): Promise<void> {
  let left: Requests | undefined = requests;
  for (let attempt = 0; attempt < BATCH_TRIES; attempt += 1) {
    left = await send(left);
    if (left === undefined || Object.keys(left).length === 0) return;
    await pause(FIRST_WAIT * 2 ** attempt * (1 + Math.random()));
  }
  throw new Error(`DynamoDB left part of a batch unprocessed ${BATCH_TRIES} times`);
}

/** Gives `full` where an update failed because the item would be larger than DynamoDB's 400 KB. */
export const unlessFull = <Result>(update: Promise<Result>): Promise<Result | "full"> =>
  update.catch((error: unknown) => {
    if (isFull(error)) return "full";
    throw error;
  });

const isFull = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === "ValidationException" &&
  error.message.includes("exceeded the maximum allowed size");

async function unlessConditionFails<Result>(
  call: () => Promise<Result>,
  isRepeatable = false,
): Promise<Result | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if (wasRetried(error) && !isRepeatable) throw error;
    return undefined;
  }
}

/** Whether the SDK has made the call more than once: the first may have been what changed the item. */
const wasRetried = ({ $metadata }: MetadataBearer): boolean => ($metadata.attempts ?? 1) > 1;

interface MetadataBearer {
  readonly $metadata: { readonly attempts?: number | undefined };
}

/** Whether an item has all of these attributes; what that takes is loaded by the few who ask. */
async function holds(item: Item | undefined, attributes: Item): Promise<boolean> {
  const { isDeepStrictEqual } = await import("node:util");
  return Object.entries(attributes).every(
    ([name, value]) => value === undefined || isDeepStrictEqual(item?.[name], value),
  );
}

/** A list in parts of a size at most. */
export function* chunks<Entry>(entries: readonly Entry[], size: number): Iterable<Entry[]> {
  for (let start = 0; start < entries.length; start += size)
    yield entries.slice(start, start + size);
}
