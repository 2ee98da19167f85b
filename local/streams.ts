import { randomUUID } from "node:crypto";
import type { DynamoDBRecord } from "aws-lambda";
import type { TableDefinition } from "./template.ts";
import { REGION, streamArnOf } from "./template-values.ts";

/** Attributes of an item in DynamoDB's JSON. */
export type Image = Readonly<Record<string, unknown>>;

/** Calls the database in DynamoDB's protocol; returns the response, also if it is an error. */
export type CallDatabase = (operation: string, input: object) => Promise<object>;

/** Called with the records of a write to a table, in their order. */
export type OnChanges = (tableName: string, records: readonly DynamoDBRecord[]) => void;

/** The streams of the tables that have one. */
export interface Streams {
  /** Runs a write and emits its records; writes to tables with a stream run one after another. */
  observe<Result>(
    operation: string,
    input: object,
    write: () => Promise<Result>,
    isExpiry?: boolean,
  ): Promise<Result>;
}

/** An item that a write may change. */
interface Target {
  readonly table: TableDefinition;
  readonly key: Image;
}

/** Derives the records of streams, which the embedded database has none of, from the images around a write. */
export function createStreams(
  tables: readonly TableDefinition[],
  call: CallDatabase,
  onChanges: OnChanges,
): Streams {
  const streamed = new Map(
    tables.filter(({ streamViewType }) => streamViewType).map((table) => [table.name, table]),
  );
  const began = Date.now();
  let changes = 0;
  let last: Promise<unknown> = Promise.resolve();

  return {
    observe(operation, input, write, isExpiry = false) {
      const targets = targetsOf(operation, input, streamed);
      if (targets.length === 0) return write();
      const written = last.then(async () => {
        const before = await imagesOf(call, targets);
        const result = await write();
        const after = await imagesOf(call, targets);
        for (const [index, target] of targets.entries())
          emitRecord(target, before[index], after[index], isExpiry);
        return result;
      });
      last = written.catch(() => undefined);
      return written;
    },
  };

  function emitRecord(
    { table, key }: Target,
    before: Image | undefined,
    after: Image | undefined,
    isExpiry: boolean,
  ): void {
    // As in DynamoDB, a write that changes nothing has no record.
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    changes += 1;
    const type = table.streamViewType ?? "";
    const images = {
      ...(before !== undefined && /OLD/.test(type) && { OldImage: before }),
      ...(after !== undefined && /NEW/.test(type) && { NewImage: after }),
    };
    const record = {
      eventID: randomUUID().replaceAll("-", ""),
      eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: REGION,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
        Keys: key,
        ...images,
        // Must also increase from one run to the next.
        SequenceNumber: `${began}${String(changes).padStart(10, "0")}`,
        SizeBytes: Buffer.byteLength(JSON.stringify({ key, ...images })),
        StreamViewType: type,
      },
      eventSourceARN: streamArnOf(table.name),
      ...(isExpiry && {
        userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
      }),
    };
    onChanges(table.name, [record as DynamoDBRecord]);
  }
}

/** The items as they are now. */
export const imagesOf = (
  call: CallDatabase,
  targets: readonly Target[],
): Promise<readonly (Image | undefined)[]> =>
  Promise.all(
    targets.map(async ({ table, key }) => {
      const input = { TableName: table.name, Key: key, ConsistentRead: true };
      return ((await call("GetItem", input)) as { readonly Item?: Image }).Item;
    }),
  );

/** A write request; invalid ones are left to the database to refuse. */
interface Write {
  readonly TableName?: string;
  readonly Key?: Image | null;
  readonly Item?: Image | null;
  readonly RequestItems?: Readonly<Record<string, readonly BatchEntry[] | null>> | null;
}
interface BatchEntry {
  readonly PutRequest?: { readonly Item?: Image | null } | null;
  readonly DeleteRequest?: { readonly Key?: Image | null } | null;
}

/** The items that a call may change in these tables. */
export function targetsOf(
  operation: string,
  input: object,
  tables: ReadonlyMap<string, TableDefinition>,
): readonly Target[] {
  const { TableName = "", Key, Item, RequestItems } = input as Write;
  if (["PutItem", "UpdateItem", "DeleteItem"].includes(operation))
    return targetsIn(tables.get(TableName), [Key ?? Item]);
  if (operation !== "BatchWriteItem") return [];
  return Object.entries(RequestItems ?? {}).flatMap(([name, entries]) =>
    targetsIn(
      tables.get(name),
      Array.isArray(entries)
        ? entries.map(
            (entry: BatchEntry | null) => entry?.PutRequest?.Item ?? entry?.DeleteRequest?.Key,
          )
        : [],
    ),
  );
}

function targetsIn(
  table: TableDefinition | undefined,
  images: readonly (Image | null | undefined)[],
): readonly Target[] {
  if (table === undefined) return [];
  return images.flatMap((image) => (image ? [{ table, key: keyIn(table, image) }] : []));
}

/** The key attributes among those of an item. */
export const keyIn = ({ keySchema }: Pick<TableDefinition, "keySchema">, image: Image): Image =>
  Object.fromEntries(keySchema.map(({ AttributeName }) => [AttributeName, image[AttributeName]]));
