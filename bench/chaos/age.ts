import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { LATEST_WRITE, LIMITS } from "../../lambdas/server/model/limits.ts";
import type { LocalStack } from "../../local/stack.ts";

/** Milliseconds for which a lost socket may come back by default, and the cleanup keeps the tombstone of its connection. */
const WINDOW = LIMITS.connectionStateRecovery.default * 1000;

/** Makes tombstones as old as the cleanup wants them before it deletes them, so that a run need not wait. */
export const ageTombstones = (
  stack: LocalStack,
  items: readonly Record<string, unknown>[],
): Promise<void> =>
  rewrite(
    stack,
    items.filter(({ endedAt }) => endedAt !== undefined),
    "endedAt",
    ({ endedAt }) => Number(endedAt) - LATEST_WRITE - WINDOW - 1000,
  );

/** Makes the losses of connections so old that nobody can come back. */
export const ageLosses = (
  stack: LocalStack,
  items: readonly Record<string, unknown>[],
): Promise<void> =>
  rewrite(
    stack,
    items.filter(({ state, endedAt }) => state === "detached" && endedAt === undefined),
    "lostAt",
    () => 0,
  );

async function rewrite(
  { url, tableNames }: LocalStack,
  items: readonly Record<string, unknown>[],
  attribute: string,
  timeOf: (item: Record<string, unknown>) => number,
): Promise<void> {
  const credentials = { accessKeyId: "CHAOS", secretAccessKey: "local" };
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: url, region: "us-east-1", credentials }),
  );
  for (const item of items)
    await client.send(
      new UpdateCommand({
        TableName: tableNames[0],
        Key: { pk: item.pk, sk: item.sk },
        UpdateExpression: "SET #attribute = :past",
        ExpressionAttributeNames: { "#attribute": attribute },
        ExpressionAttributeValues: { ":past": timeOf(item) },
      }),
    );
  client.destroy();
}
