import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { createTable } from "../../lambdas/server/store/table.ts";

const dynamo = mockClient(DynamoDBDocumentClient);
const waits: number[] = [];
const table = createTable({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: "us-east-1" })),
  tableName: "items",
  pause: async (milliseconds) => void waits.push(milliseconds),
});
const key = (n: number) => ({ pk: `p${n}`, sk: "s" });
const conditionFailed = () => new ConditionalCheckFailedException({ message: "no", $metadata: {} });

beforeEach(() => {
  dynamo.reset();
  waits.length = 0;
});

describe("conditions", () => {
  test("an update whose condition fails gives nothing", async () => {
    dynamo.on(UpdateCommand).rejects(conditionFailed());

    expect(await table.update(key(1), { update: "SET a = b" })).toBeUndefined();
  });

  test("a removal whose condition fails gives nothing", async () => {
    dynamo.on(DeleteCommand).rejects(conditionFailed());

    expect(await table.remove(key(1))).toBeUndefined();
  });

  test("an update that the SDK has repeated is done where the item is as this call leaves it", async () => {
    const again = { message: "no", $metadata: { attempts: 2 } };
    dynamo.on(UpdateCommand).rejects(new ConditionalCheckFailedException(again));
    const item = { ...key(1), a: 1 };
    dynamo.on(BatchGetCommand).resolves({ Responses: { items: [item] } });
    const update = { update: "SET a = b" };

    await expect(table.update(key(1), update)).rejects.toThrow("no");
    expect(await table.update(key(1), { ...update, isOwn: ({ a }) => a === 1 })).toEqual(item);
    expect(await table.update(key(1), { ...update, isOwn: ({ a }) => a === 2 })).toBeUndefined();
  });

  test("any other failure passes", async () => {
    dynamo.on(UpdateCommand).rejects(new Error("boom"));

    await expect(table.update(key(1), { update: "SET a = b" })).rejects.toThrow("boom");
  });
});

describe("reads", () => {
  test("are consistent: what a client was told is there for everyone", async () => {
    dynamo.on(GetCommand).resolves({ Item: { pk: "p1" } });

    expect(await table.get(key(1))).toEqual({ pk: "p1" });
    expect(dynamo.commandCalls(GetCommand)[0]?.args[0].input).toMatchObject({
      ConsistentRead: true,
    });
  });

  test("a query goes on page by page until there is none", async () => {
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Items: [{ n: 1 }], Count: 1, LastEvaluatedKey: key(1) })
      .resolvesOnce({ Items: [], Count: 0, LastEvaluatedKey: key(2) })
      .resolves({ Items: [{ n: 3 }], Count: 1 });

    const pages: unknown[] = [];
    for await (const { items } of table.pages({ KeyConditionExpression: "pk = :p" }))
      pages.push(items);

    expect(pages).toEqual([[{ n: 1 }], [], [{ n: 3 }]]);
    const starts = dynamo
      .commandCalls(QueryCommand)
      .map(({ args }) => args[0].input.ExclusiveStartKey);
    expect(starts).toEqual([undefined, key(1), key(2)]);
  });

  test("a batch asks 100 keys at a time and again for those left unprocessed", async () => {
    dynamo
      .on(BatchGetCommand)
      .resolvesOnce({
        Responses: { items: [{ n: 1 }] },
        UnprocessedKeys: { items: { Keys: [key(7)] } },
      })
      .resolves({ Responses: { items: [{ n: 2 }] } });

    const found = await table.getAll(Array.from({ length: 101 }, (_, n) => key(n)));

    expect(found).toEqual([{ n: 1 }, { n: 2 }, { n: 2 }]);
    const asked = dynamo
      .commandCalls(BatchGetCommand)
      .map(({ args }) => args[0].input.RequestItems?.items?.Keys);
    expect(asked.map((keys) => keys?.length)).toEqual([100, 1, 1]);
    expect(asked[1]).toEqual([key(7)]);
  });

  test("ask for each key once, as DynamoDB wants it", async () => {
    dynamo.on(BatchGetCommand).resolves({});

    await table.getAll([key(1), key(2), key(1)]);

    const [asked] = dynamo.commandCalls(BatchGetCommand);
    expect(asked?.args[0].input.RequestItems?.items?.Keys).toEqual([key(1), key(2)]);
  });
});

describe("batch writes", () => {
  test("go 25 at a time, and what is left unprocessed is tried again", async () => {
    const left = { items: [{ DeleteRequest: { Key: key(3) } }] };
    dynamo.on(BatchWriteCommand).resolvesOnce({ UnprocessedItems: left }).resolves({});

    await table.writeAll(
      [],
      Array.from({ length: 26 }, (_, n) => key(n)),
    );

    const written = dynamo
      .commandCalls(BatchWriteCommand)
      .map(({ args }) => args[0].input.RequestItems);
    expect(written.map((requests) => requests?.items?.length)).toEqual([25, 1, 1]);
    expect(written[1]).toEqual(left);
  });

  test("give up with an error after six tries, each later than the one before", async () => {
    const left = { items: [{ DeleteRequest: { Key: key(1) } }] };
    dynamo.on(BatchWriteCommand).resolves({ UnprocessedItems: left });

    await expect(table.writeAll([], [key(1)])).rejects.toThrow("unprocessed 6 times");

    expect(waits).toHaveLength(6);
    for (const [tries, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(25 * 2 ** tries);
      expect(wait).toBeLessThanOrEqual(50 * 2 ** tries);
    }
  });
});

test("a throttled call is tried again by the SDK until it goes through", async () => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    const isThrottled = requests < 3;
    response.writeHead(isThrottled ? 400 : 200, { "content-type": "application/x-amz-json-1.0" });
    const type = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    response.end(JSON.stringify(isThrottled ? { __type: type } : { Item: { pk: { S: "p1" } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  dynamo.restore();
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient({ region: "us-east-1", endpoint, credentials });
  const throttled = createTable({
    client: DynamoDBDocumentClient.from(client),
    tableName: "items",
    pause: async () => undefined,
  });

  expect(await throttled.get(key(1))).toEqual({ pk: "p1" });
  expect(requests).toBe(3);
  client.destroy();
  server.close();
});
