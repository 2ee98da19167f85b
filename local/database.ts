import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import dynalite from "dynalite";
import { REGION, type TableDefinition } from "./template.ts";

/** The stack's tables, in an embedded DynamoDB. */
export interface Database {
  /** Answers one request in DynamoDB's own protocol. */
  answer(request: IncomingMessage, response: ServerResponse): void;
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
}

/**
 * A database that stands in for DynamoDB on this machine, with the tables of the template; one that
 * a data folder brings along stays as it is.
 */
export async function startDatabase({ tables, data }: DatabaseParts): Promise<Database> {
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
    answer: (request, response) => void server.emit("request", request, response),

    async expire(now) {
      for (const { name: TableName, ttlAttribute } of tables) {
        const expired = (await scan(TableName)).filter(
          (item) => ttlAttribute !== undefined && Number(item[ttlAttribute]) * 1000 <= now,
        );
        for (const { pk, sk } of expired)
          await client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
      }
    },

    items: async () => (await Promise.all(tables.map(({ name }) => scan(name)))).flat(),

    async stop() {
      client.destroy();
      server.closeAllConnections();
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
