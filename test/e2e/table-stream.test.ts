import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { AttributeType, StreamViewType, Table } from "aws-cdk-lib/aws-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSettings } from "../../lib/config.ts";
import { MudbaseStack } from "../../lib/mudbase-stack.ts";
import { TableChanges } from "../../lib/table-changes.ts";
import type { LocalStack } from "../../local/stack.ts";
import { client, connected, newOrg, tokenFor } from "../support/people.ts";
import { startFromApp } from "../support/started-app.ts";

const org = newOrg();
const orders = { projectId: "p1", collectionId: "orders" };
let started: Awaited<ReturnType<typeof startFromApp>>;
let stack: LocalStack;

beforeAll(async () => {
  started = await startFromApp((app) => {
    const mudbase = new MudbaseStack(app, "Mudbase", readSettings({}));
    const source = new Table(mudbase, "Orders", {
      partitionKey: { name: "orderId", type: AttributeType.STRING },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
    });
    new TableChanges(mudbase, "OrderChanges", {
      ...{ source, server: mudbase.server, org, ...orders, idAttribute: "orderId" },
    });
  });
  stack = started.stack;
});

afterAll(() => started.stop());

test("a plain write to a table reaches the live queries that match", async () => {
  const token = await tokenFor({ org });
  const socket = await connected(client({ auth: { token } }, stack.url));
  const received: unknown[] = [];
  socket.onAny((event: string, { data }: { data: object }) => received.push({ event, data }));
  const query = { ...orders, queryId: "unpaid", query: { isPaid: false } };
  await socket.emitWithAck("subscribe:query", query);

  const TableName = stack.tableNames.find((name) => name.startsWith("Orders"));
  const database = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: stack.url,
      region: "us-east-1",
      credentials: { accessKeyId: "TEST", secretAccessKey: "x" },
    }),
  );
  const put = (orderId: string, isPaid: boolean) =>
    database.send(new PutCommand({ TableName, Item: { orderId, isPaid } }));
  await put("o1", false);
  await put("o2", true);
  await put("o1", true);
  await put("o3", false);
  await database.send(new DeleteCommand({ TableName, Key: { orderId: "o3" } }));
  await stack.idle();
  await socket.emitWithAck("unsubscribe:collection", orders);

  const isOfTable = ({ event }: { event: string }) => event.startsWith("db:");
  expect((received as { event: string }[]).filter(isOfTable)).toEqual([
    { event: "db:create", data: { _id: "o1", orderId: "o1", isPaid: false } },
    { event: "db:update", data: { _id: "o1", orderId: "o1", isPaid: true } },
    { event: "db:create", data: { _id: "o3", orderId: "o3", isPaid: false } },
    { event: "db:delete", data: { _id: "o3" } },
  ]);
});
