import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { LocalStack } from "../../local/stack.ts";

type Item = Readonly<Record<string, unknown>>;

/** Sets an attribute of stored items, e.g. to a time in the past. */
export async function rewrite(
  { url, tableNames }: LocalStack,
  items: readonly Item[],
  attribute: string,
  timeOf: (item: Item) => number,
): Promise<void> {
  const credentials = { accessKeyId: "TEST", secretAccessKey: "local" };
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: url, region: "us-east-1", credentials }),
  );
  for (const item of items)
    await client
      .send(
        new UpdateCommand({
          TableName: tableNames[0],
          Key: { pk: item.pk, sk: item.sk },
          UpdateExpression: "SET #attribute = :value",
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeNames: { "#attribute": attribute },
          ExpressionAttributeValues: { ":value": timeOf(item) },
        }),
      )
      // A sweep may have deleted it since it was read.
      .catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
  client.destroy();
}

/** Makes the losses of connections so old that nobody can come back; gives how many there are. */
export async function ageLosses(stack: LocalStack): Promise<number> {
  const lost = (await stack.database.items()).filter(
    ({ state, endedAt }) => state === "detached" && endedAt === undefined,
  );
  await rewrite(stack, lost, "lostAt", () => 0);
  return lost.length;
}
