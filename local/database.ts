import type { IncomingMessage, ServerResponse } from "node:http";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
} from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import dynalite from "dynalite";
import { REGION, type TableDefinition } from "./template.ts";

/** The stack's tables, in an embedded DynamoDB. */
export interface Database {
  /** Answers one request in DynamoDB's own protocol. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Makes the tables of the template; one that a data folder brings along stays as it is. */
  createTables(): Promise<void>;
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
  /** Where `answer` can be reached. */
  readonly endpoint: () => string;
}

/** A database that stands in for DynamoDB on this machine. */
export function createDatabase({ tables, data, endpoint }: DatabaseParts): Database {
  const server = dynalite({ createTableMs: 0, ...(data !== undefined && { path: data }) });
  let connected: DynamoDBDocumentClient | undefined;
  const client = () => {
    const credentials = { accessKeyId: "LOCALDATABASE", secretAccessKey: "local" };
    connected ??= DynamoDBDocumentClient.from(
      new DynamoDBClient({ endpoint: endpoint(), region: REGION, credentials }),
    );
    return connected;
  };

  async function scan(TableName: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const page = await client().send(new ScanCommand({ TableName, ExclusiveStartKey: start }));
      found.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return found;
  }

  return {
    answer: (request, response) => void server.emit("request", request, response),

    async createTables() {
      for (const table of tables) {
        try {
          await client().send(new CreateTableCommand(creation(table)));
        } catch (error) {
          if (!(error instanceof ResourceInUseException)) throw error;
        }
      }
    },

    async expire(now) {
      for (const { name: TableName, ttlAttribute } of tables) {
        const expired = (await scan(TableName)).filter(
          (item) => ttlAttribute !== undefined && Number(item[ttlAttribute]) * 1000 <= now,
        );
        for (const { pk, sk } of expired)
          await client().send(new DeleteCommand({ TableName, Key: { pk, sk } }));
      }
    },

    items: async () => (await Promise.all(tables.map(({ name }) => scan(name)))).flat(),

    async stop() {
      connected?.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const creation = (table: TableDefinition): CreateTableCommandInput =>
  ({
    TableName: table.name,
    AttributeDefinitions: table.attributes,
    KeySchema: table.keySchema,
    BillingMode: "PAY_PER_REQUEST",
    ...(table.indexes.length > 0 && { GlobalSecondaryIndexes: table.indexes }),
  }) as CreateTableCommandInput;
