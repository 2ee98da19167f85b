import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import dynalite from "dynalite";
import { AwsError, jsonObjectIn, readBody } from "./http.ts";
import { createStreams, keyIn, type OnChanges } from "./streams.ts";
import type { TableDefinition } from "./template.ts";
import { REGION } from "./template-values.ts";
import { createUnits } from "./units.ts";
import type { Meter } from "./usage.ts";
import { createWork } from "./work.ts";

/** The operations that the embedded database supports. */
export const OPERATIONS: ReadonlySet<string> = new Set([
  ...["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"],
  ...["Query", "Scan", "CreateTable", "DeleteTable", "DescribeTable", "ListTables", "UpdateTable"],
  ...["DescribeTimeToLive", "ListTagsOfResource", "TagResource", "UntagResource"],
]);

/** The stack's tables, in an embedded DynamoDB. */
export interface Database {
  /** Answers one request in DynamoDB's protocol; `body` is the request's body if it has been read already. */
  answer(request: IncomingMessage, response: ServerResponse, body?: Buffer): Promise<void>;
  /** Makes a call of this process: the operation's input and output in DynamoDB's JSON, a failure with its `__type`. */
  call(operation: string, input: object): Promise<object>;
  /** Deletes the items that have expired at this time (epoch milliseconds), as TTL does. */
  expire(now: number): Promise<void>;
  /** Everything stored. */
  items(): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export interface DatabaseParts {
  readonly tables: readonly TableDefinition[];
  /** Folder to keep the data in (default: in memory). */
  readonly data?: string | undefined;
  /** Called with the records of tables that have a stream. */
  readonly onChanges?: OnChanges | undefined;
  /** Is given the units that calls consume (default: they are not counted). */
  readonly count?: Meter["count"] | undefined;
}

/**
 * A local DynamoDB with the tables of the template; a table that already exists in the data folder
 * is left as it is.
 */
export async function startDatabase(parts: DatabaseParts): Promise<Database> {
  const { tables, data, onChanges = () => undefined, count } = parts;
  const server = dynalite({ createTableMs: 0, ...(data !== undefined && { path: data }) });
  // Dynalite closes its files only if its server listens.
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: REGION,
    credentials: { accessKeyId: "LOCALDATABASE", secretAccessKey: "local" },
  });
  for (const table of tables) await createTable(table);
  const streams = createStreams(tables, call, onChanges);
  const units = count && createUnits(tables, call, count);
  // Dynalite throws if it is closed during a call.
  const pending = createWork();
  let isStopping = false;

  async function createTable(table: TableDefinition): Promise<void> {
    try {
      await client.send(new CreateTableCommand(creation(table)));
      await waitUntilTableExists(
        { client, maxWaitTime: 10, minDelay: 1 },
        { TableName: table.name },
      );
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
    }
  }

  /** Sends a request to the database; rejects if the database throws or is stopping. */
  function send(request: DatabaseRequest, body: Buffer): Promise<Answer> {
    if (isStopping)
      return Promise.reject(new AwsError(503, "ServiceUnavailable", "The database is stopping."));
    return pending.track(answerOf(request, body));
  }

  const answerOf = ({ method, url, headers }: DatabaseRequest, body: Buffer): Promise<Answer> =>
    new Promise((resolve) => {
      const request = Object.assign(new EventEmitter(), { method, url, headers });
      const responseHeaders = new Map<string, string>();
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: unknown) => void responseHeaders.set(name, String(value)),
        end: (text = "") =>
          resolve({ status: response.statusCode, headers: responseHeaders, text }),
      };
      server.emit("request", request, response);
      request.emit("data", body);
      request.emit("end");
    });

  async function call(operation: string, input: object): Promise<object> {
    const headers = { ...SIGNED, "x-amz-target": `DynamoDB_20120810.${operation}` };
    const { text } = await send(
      { method: "POST", url: "/", headers },
      Buffer.from(JSON.stringify(input)),
    );
    return JSON.parse(text) as object;
  }

  async function scan(TableName: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    let start: StoredItem | undefined;
    do {
      const page: ScanPage = await call("Scan", { TableName, ExclusiveStartKey: start });
      found.push(...(page.Items ?? []).map((item) => unmarshall(item)));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return found;
  }

  return {
    call,
    async answer(request, response, knownBody) {
      const body = knownBody ?? (await readBody(request));
      const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      const input = jsonObjectIn(body);
      const ask = (asked: Buffer) => streams.observe(operation, input, () => send(request, asked));
      const answer = await (units?.observe(operation, input, ask) ?? ask(body));
      response.statusCode = answer.status;
      for (const [name, value] of answer.headers) response.setHeader(name, value);
      response.end(answer.text);
    },

    async expire(now) {
      for (const table of tables) {
        const { name: TableName, ttlAttribute } = table;
        const expired = (await scan(TableName)).filter(
          (item) => ttlAttribute !== undefined && Number(item[ttlAttribute]) * 1000 <= now,
        );
        for (const item of expired) {
          const input = { TableName, Key: marshall(keyIn(table, item)) };
          await streams.observe("DeleteItem", input, () => call("DeleteItem", input), true);
        }
      }
    },

    items: async () => (await Promise.all(tables.map(({ name }) => scan(name)))).flat(),

    async stop() {
      isStopping = true;
      await pending.idle();
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type StoredItem = Record<string, AttributeValue>;

/** A page of a table, in DynamoDB's JSON. */
interface ScanPage {
  readonly Items?: readonly StoredItem[];
  readonly LastEvaluatedKey?: StoredItem;
}

/** A request to the embedded database. */
type DatabaseRequest = Pick<IncomingMessage, "method" | "url" | "headers">;

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** Headers that the database accepts as signed. */
const SIGNED = {
  "content-type": "application/x-amz-json-1.0",
  "x-amz-date": "20260101T000000Z",
  authorization: "AWS4-HMAC-SHA256 Credential=LOCAL/any, SignedHeaders=host, Signature=any",
};

const creation = (table: TableDefinition): CreateTableCommandInput =>
  ({
    TableName: table.name,
    AttributeDefinitions: table.attributes,
    KeySchema: table.keySchema,
    BillingMode: "PAY_PER_REQUEST",
    ...(table.indexes.length > 0 && { GlobalSecondaryIndexes: table.indexes }),
  }) as CreateTableCommandInput;
