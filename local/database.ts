import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import dynalite from "dynalite";
import { AwsError, jsonObjectIn, readBody } from "./http.ts";
import { createStreams, keyIn, type OnChanges } from "./streams.ts";
import type { TableDefinition } from "./template.ts";
import { REGION } from "./template-values.ts";
import { createWork } from "./work.ts";

/** The operations that the embedded database knows. */
export const OPERATIONS: ReadonlySet<string> = new Set([
  ...["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"],
  ...["Query", "Scan", "CreateTable", "DeleteTable", "DescribeTable", "ListTables", "UpdateTable"],
  ...["DescribeTimeToLive", "ListTagsOfResource", "TagResource", "UntagResource"],
]);

/** The stack's tables, in an embedded DynamoDB. */
export interface Database {
  /** Answers one request in DynamoDB's own protocol; one whose body has been read already comes with it. */
  answer(request: IncomingMessage, response: ServerResponse, body?: Buffer): Promise<void>;
  /** Does what TTL does: deletes the items that have expired by then, in epoch milliseconds. */
  expire(now: number): Promise<void>;
  /** Everything stored. */
  items(): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export interface DatabaseParts {
  readonly tables: readonly TableDefinition[];
  /** Folder to keep the data in; in memory without it. */
  readonly data?: string | undefined;
  /** Called with the records of tables that have a stream. */
  readonly onChanges?: OnChanges | undefined;
}

/**
 * A database that stands in for DynamoDB on this machine, with the tables of the template; one that
 * a data folder brings along stays as it is.
 */
export async function startDatabase(parts: DatabaseParts): Promise<Database> {
  const { tables, data, onChanges = () => undefined } = parts;
  const server = dynalite({ createTableMs: 0, ...(data !== undefined && { path: data }) });
  // Only a server that listens closes its files when it is closed.
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: REGION,
      credentials: { accessKeyId: "LOCALDATABASE", secretAccessKey: "local" },
    }),
  );
  for (const table of tables) await createTable(table);
  const streams = createStreams(tables, call, onChanges);
  // The database throws where it is closed in the middle of a call.
  const underWay = createWork();
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

  /** Has the database answer a request; rejects where it throws instead. */
  function ask(asked: Asked, body: Buffer): Promise<Answer> {
    if (isStopping) return Promise.reject(new AwsError(503, "ServiceUnavailable", "It stops."));
    return underWay.track(answerOf(asked, body));
  }

  const answerOf = ({ method, url, headers }: Asked, body: Buffer): Promise<Answer> =>
    new Promise((resolve) => {
      const request = Object.assign(new EventEmitter(), { method, url, headers });
      const answered = new Map<string, string>();
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: unknown) => void answered.set(name, String(value)),
        end: (text = "") => resolve({ status: response.statusCode, headers: answered, text }),
      };
      server.emit("request", request, response);
      request.emit("data", body);
      request.emit("end");
    });

  async function call(operation: string, input: object): Promise<object> {
    const headers = { ...SIGNED, "x-amz-target": `DynamoDB_20120810.${operation}` };
    const { text } = await ask(
      { method: "POST", url: "/", headers },
      Buffer.from(JSON.stringify(input)),
    );
    return JSON.parse(text) as object;
  }

  async function scan(TableName: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const page = await client.send(new ScanCommand({ TableName, ExclusiveStartKey: start }));
      found.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return found;
  }

  return {
    async answer(request, response, given) {
      const body = given ?? (await readBody(request));
      const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      const write = () => ask(request, body);
      const answer = await streams.observe(operation, jsonObjectIn(body), write);
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
      await underWay.idle();
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A request to the embedded database. */
type Asked = Pick<IncomingMessage, "method" | "url" | "headers">;

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** Headers of a request that the database takes for a signed one. */
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
