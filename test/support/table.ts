import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { stack } from "./running.ts";

/** The table of the running stack, for what a test must write or take away behind its back. */
export const table = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    endpoint: stack.url,
    region: "us-east-1",
    credentials: { accessKeyId: "TEST", secretAccessKey: "local" },
  }),
);

/** Its name. */
export const TableName: string = stack.tableNames[0] ?? "";
