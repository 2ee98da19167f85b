import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createTable, type Table, type TableParts } from "./table.ts";

/** The table of this name, by a client of its own. */
export const openTable = (
  config: Pick<DynamoDBClientConfig, "requestHandler">,
  parts: Omit<TableParts, "client">,
): Table =>
  createTable({
    ...parts,
    client: DynamoDBDocumentClient.from(new DynamoDBClient(config), {
      marshallOptions: { removeUndefinedValues: true },
    }),
  });
