import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { LATEST_WRITE, LIMITS } from "../../lambdas/server/model/limits.ts";
import type { LocalStack } from "../../local/stack.ts";

/** Milliseconds for which a lost socket may come back by default, and the cleanup keeps the tombstone of its connection. */
const WINDOW = LIMITS.connectionStateRecovery.default * 1000;

/** Makes tombstones as old as the cleanup wants them before it deletes them, so that a run need not wait. */
export async function ageTombstones(
  { url, tableNames }: LocalStack,
  items: readonly Record<string, unknown>[],
): Promise<void> {
  const credentials = { accessKeyId: "CHAOS", secretAccessKey: "local" };
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: url, region: "us-east-1", credentials }),
  );
  for (const { pk, sk, endedAt } of items.filter((item) => item.endedAt !== undefined))
    await client.send(
      new UpdateCommand({
        TableName: tableNames[0],
        Key: { pk, sk },
        UpdateExpression: "SET endedAt = :past",
        ExpressionAttributeValues: { ":past": Number(endedAt) - LATEST_WRITE - WINDOW - 1000 },
      }),
    );
  client.destroy();
}
