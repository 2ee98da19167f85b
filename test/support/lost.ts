import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { LocalStack } from "../../local/stack.ts";
import { stack as shared } from "./running.ts";

/** Ends the sessions that have lost their connection, as if the time in which they may come back were over. */
export async function endLost(stack: LocalStack = shared, heartbeat = "Heartbeat"): Promise<void> {
  const lost = (await stack.database.items()).filter(
    ({ state, endedAt }) => state === "detached" && endedAt === undefined,
  );
  if (lost.length === 0) return;
  const credentials = { accessKeyId: "TEST", secretAccessKey: "local" };
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: stack.url, region: "us-east-1", credentials }),
  );
  for (const { pk, sk } of lost)
    await client.send(
      new UpdateCommand({
        TableName: stack.tableNames[0],
        Key: { pk, sk },
        UpdateExpression: "SET lostAt = :longAgo",
        ExpressionAttributeValues: { ":longAgo": 0 },
      }),
    );
  client.destroy();
  const scheduledTime = new Date().toISOString();
  await stack.functions.invoke(stack.functions.named(heartbeat), { scheduledTime });
  await stack.idle();
}
