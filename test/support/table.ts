import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { stack } from "./running.ts";

/** A client of the running stack's table, for items that a test writes or deletes directly. */
export const table = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    endpoint: stack.url,
    region: "us-east-1",
    credentials: { accessKeyId: "TEST", secretAccessKey: "local" },
  }),
);

/** The name of the table. */
export const TableName: string = stack.tableNames[0] ?? "";
