import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import type { LocalStack } from "../../local/stack.ts";
import { deploy } from "../support/deployment.ts";

const resources = {
  Items: {
    Type: "AWS::DynamoDB::GlobalTable",
    Properties: {
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
        { AttributeName: "shard", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byShard",
          KeySchema: [{ AttributeName: "shard", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
      TimeToLiveSpecification: { AttributeName: "dies", Enabled: true },
    },
  },
};
const IDLE = "export const handler = async () => 1;";
const clientOf = ({ url }: LocalStack) =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "TEST", secretAccessKey: "x" },
    }),
  );
const put = (stack: LocalStack, sk: string, attributes: object) =>
  clientOf(stack).send(
    new PutCommand({ TableName: "Items", Item: { pk: "p", sk, ...attributes } }),
  );

test("tables and indexes come from the template, sparse as in DynamoDB", async () => {
  const { stack, stop } = await deploy(IDLE, { resources });
  await put(stack, "a", { shard: 1 });
  await put(stack, "b", {});

  const { Items } = await clientOf(stack).send(
    new QueryCommand({
      TableName: "Items",
      IndexName: "byShard",
      KeyConditionExpression: "#shard = :shard",
      ExpressionAttributeNames: { "#shard": "shard" },
      ExpressionAttributeValues: { ":shard": 1 },
    }),
  );

  expect(Items?.map(({ sk }) => sk)).toEqual(["a"]);
  await stop();
});

test("items that have expired by the template's TTL attribute are deleted, the others stay", async () => {
  const { stack, stop } = await deploy(IDLE, { resources });
  await put(stack, "dead", { dies: 100 });
  await put(stack, "alive", { dies: 101 });
  await put(stack, "immortal", {});

  await stack.database.expire(100_999);

  expect((await stack.database.items()).map(({ sk }) => sk)).toEqual(["alive", "immortal"]);
  await stop();
});

test("with a data folder the items are there after a restart", async () => {
  const data = mkdtempSync(join(tmpdir(), "data-"));
  const first = await deploy(IDLE, { resources, data });
  await put(first.stack, "kept", {});
  await first.stop();

  const second = await deploy(IDLE, { resources, data });
  expect((await second.stack.database.items()).map(({ sk }) => sk)).toEqual(["kept"]);
  await second.stop();
  rmSync(data, { recursive: true });
});
