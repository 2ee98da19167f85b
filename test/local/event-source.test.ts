import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { DynamoDBRecord } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { readStack } from "../../local/template.ts";
import { assemblyWith, type Rehearsal, rehearsing, template } from "../support/rehearsal.ts";

const start = rehearsing();

const streamed = (mapping: object = {}, table: object = {}) => ({
  Orders: {
    Type: "AWS::DynamoDB::Table",
    Properties: {
      AttributeDefinitions: [{ AttributeName: "orderId", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "orderId", KeyType: "HASH" }],
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
      TimeToLiveSpecification: { AttributeName: "dies", Enabled: true },
      ...table,
    },
  },
  Failed: { Type: "AWS::SQS::Queue" },
  Changes: {
    Type: "AWS::Lambda::EventSourceMapping",
    Properties: {
      EventSourceArn: { "Fn::GetAtt": ["Orders", "StreamArn"] },
      FunctionName: { Ref: "Function" },
      StartingPosition: "LATEST",
      DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["Failed", "Arn"] } } },
      ...mapping,
    },
  },
});

const TELLING = `export const handler = async ({ Records }) => {
  console.log(JSON.stringify(Records));
};`;

const clientOf = ({ stack }: Rehearsal) =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: stack.url,
      region: "us-east-1",
      credentials: { accessKeyId: "TEST", secretAccessKey: "x" },
    }),
  );
const putOf =
  (rehearsal: Rehearsal) =>
  (orderId: string, attributes: object = {}) =>
    clientOf(rehearsal).send(
      new PutCommand({ TableName: "Orders", Item: { orderId, ...attributes } }),
    );

/** The batches that the function was given. */
const batches = ({ logged }: Rehearsal): DynamoDBRecord[][] =>
  logged.filter((line) => line.startsWith("[")).map((line) => JSON.parse(line));
const told = (rehearsal: Rehearsal) => batches(rehearsal).flat();
const idsIn = (records: readonly DynamoDBRecord[]) =>
  records.map(({ dynamodb }) => dynamodb?.Keys?.orderId?.S);

describe("a table's stream", () => {
  test("tells of items that are made, changed and removed, in their order", async () => {
    const rehearsal = await start(TELLING, { resources: streamed() });
    const [client, put] = [clientOf(rehearsal), putOf(rehearsal)];
    const key = { TableName: "Orders", Key: { orderId: "o1" } };

    await put("o1", { total: 1 });
    await put("o1", { total: 1 });
    await client.send(
      new UpdateCommand({
        ...key,
        UpdateExpression: "SET #total = :two",
        ExpressionAttributeNames: { "#total": "total" },
        ExpressionAttributeValues: { ":two": 2 },
      }),
    );
    await client.send(new DeleteCommand(key));
    await client.send(new DeleteCommand(key));
    await rehearsal.stack.idle();

    const records = told(rehearsal);
    const image = (total: string) => ({ orderId: { S: "o1" }, total: { N: total } });
    expect(records.map(({ eventName, dynamodb }) => ({ eventName, ...dynamodb }))).toMatchObject([
      { eventName: "INSERT", NewImage: image("1"), StreamViewType: "NEW_AND_OLD_IMAGES" },
      { eventName: "MODIFY", OldImage: image("1"), NewImage: image("2") },
      { eventName: "REMOVE", OldImage: image("2"), Keys: { orderId: { S: "o1" } } },
    ]);
    const numbers = records.map(({ dynamodb }) => BigInt(dynamodb?.SequenceNumber ?? 0));
    expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(records.map(({ eventID }) => eventID)).size).toBe(3);
  });

  test("tells of every item of a batch, and of none that a condition has kept", async () => {
    const rehearsal = await start(TELLING, { resources: streamed() });
    const client = clientOf(rehearsal);
    const Item = { orderId: "o1" };

    await client.send(
      new BatchWriteCommand({
        RequestItems: {
          Orders: [{ PutRequest: { Item } }, { PutRequest: { Item: { orderId: "o2" } } }],
        },
      }),
    );
    const conditional = new PutCommand({
      TableName: "Orders",
      Item: { ...Item, total: 1 },
      ConditionExpression: "attribute_not_exists(orderId)",
    });
    await expect(client.send(conditional)).rejects.toThrow();
    await rehearsal.stack.idle();

    expect(idsIn(told(rehearsal))).toEqual(["o1", "o2"]);
  });

  test("tells of what TTL deletes, and by whom", async () => {
    const rehearsal = await start(TELLING, { resources: streamed() });
    await putOf(rehearsal)("o1", { dies: 1 });
    await rehearsal.stack.database.expire(2000);
    await rehearsal.stack.idle();

    expect(told(rehearsal).at(-1)).toMatchObject({
      eventName: "REMOVE",
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    });
  });

  test("loses nothing where many write at once: each change has the image before it", async () => {
    const rehearsal = await start(TELLING, { resources: streamed() });
    const put = putOf(rehearsal);

    await Promise.all(Array.from({ length: 20 }, (_, total) => put("o1", { total })));
    await rehearsal.stack.idle();

    const images = told(rehearsal).map(({ dynamodb }) => dynamodb);
    expect(images).toHaveLength(20);
    for (const [index, image] of images.entries())
      expect(image?.OldImage).toEqual(images[index - 1]?.NewImage);
  });

  test("has the images that the table asks for", async () => {
    const resources = streamed({}, { StreamSpecification: { StreamViewType: "KEYS_ONLY" } });
    const rehearsal = await start(TELLING, { resources });
    await putOf(rehearsal)("o1");
    await rehearsal.stack.idle();

    expect(told(rehearsal)[0]?.dynamodb).not.toHaveProperty("NewImage");
  });
});

describe("a mapping", () => {
  test("takes only what its filters match, in batches of its size", async () => {
    const Filters = [
      { Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"state":{"S":["paid"]}}}}' },
      { Pattern: '{"dynamodb":{"Keys":{"orderId":{"S":[{"prefix":"vip-"}]}}}}' },
    ];
    const resources = streamed({ BatchSize: 2, FilterCriteria: { Filters } });
    const rehearsal = await start(TELLING, { resources });

    await clientOf(rehearsal).send(
      new BatchWriteCommand({
        RequestItems: {
          Orders: [
            ["a", "paid"],
            ["b", "open"],
            ["c", "paid"],
            ["d", "paid"],
            ["vip-1", "open"],
          ].map(([orderId, state]) => ({ PutRequest: { Item: { orderId, state } } })),
        },
      }),
    );
    await rehearsal.stack.idle();

    expect(idsIn(told(rehearsal))).toEqual(["a", "c", "d", "vip-1"]);
    for (const batch of batches(rehearsal)) expect(batch.length).toBeLessThanOrEqual(2);
  });

  /** Fails at the order "bad", in the way that is asked for. */
  const failing = (fail: string) => `export const handler = async ({ Records }) => {
    console.log(JSON.stringify(Records));
    const bad = Records.find(({ dynamodb }) => dynamodb.Keys.orderId.S === "bad");
    if (bad) { ${fail} }
    return { batchItemFailures: [] };
  };`;
  const REPORTING =
    "return { batchItemFailures: [{ itemIdentifier: bad.dynamodb.SequenceNumber }] };";
  const putThree = async (rehearsal: Rehearsal) => {
    const PutRequest = (orderId: string) => ({ PutRequest: { Item: { orderId } } });
    const Orders = ["good", "bad", "later"].map(PutRequest);
    await clientOf(rehearsal).send(new BatchWriteCommand({ RequestItems: { Orders } }));
    await rehearsal.stack.idle();
  };

  test("tries again from the first record that is reported, then gives up and tells the destination", async () => {
    const rehearsal = await start(failing(REPORTING), {
      resources: streamed({
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        MaximumRetryAttempts: 2,
      }),
    });
    await putOf(rehearsal)("first");
    await rehearsal.stack.idle();
    await putThree(rehearsal);

    const tried = batches(rehearsal).filter((batch) => idsIn(batch).includes("bad"));
    expect(tried).toHaveLength(3);
    for (const batch of tried.slice(1)) expect(idsIn(batch)[0]).toBe("bad");
    const [head, tail] = [tried.at(-1)?.[0], tried.at(-1)?.at(-1)];
    expect(rehearsal.stack.deadLetters).toMatchObject([
      {
        functionName: "Function",
        event: {
          requestContext: { condition: "RetryAttemptsExhausted", approximateInvokeCount: 3 },
          DDBStreamBatchInfo: {
            startSequenceNumber: head?.dynamodb?.SequenceNumber,
            endSequenceNumber: tail?.dynamodb?.SequenceNumber,
          },
        },
      },
    ]);
    // The queue learns where the records are, never what they hold.
    expect(JSON.stringify(rehearsal.stack.deadLetters)).not.toContain("orderId");
  });

  test("divides a batch whose function throws, so that only the bad record is given up", async () => {
    const rehearsal = await start(failing('throw new Error("no");'), {
      resources: streamed({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1 }),
    });
    await putThree(rehearsal);

    const ids = batches(rehearsal).map(idsIn);
    expect(ids.at(-1)).toEqual(["later"]);
    expect(rehearsal.stack.deadLetters).toMatchObject([
      { event: { DDBStreamBatchInfo: { batchSize: 1 } } },
    ]);
  });

  test("without a number of retries goes on until it succeeds", async () => {
    const rehearsal = await start(
      `let tries = 0; export const handler = async () => {
        tries += 1;
        console.log(tries);
        if (tries < 6) throw new Error("not yet");
      };`,
      { resources: streamed() },
    );
    await putOf(rehearsal)("o1");
    await rehearsal.stack.idle();

    expect(rehearsal.logged.filter((line) => /^\d$/.test(line)).at(-1)).toBe("6");
    expect(rehearsal.stack.deadLetters).toEqual([]);
  });

  test("that is not enabled hears nothing", async () => {
    const rehearsal = await start(TELLING, { resources: streamed({ Enabled: false }) });
    await putOf(rehearsal)("o1");
    await rehearsal.stack.idle();

    expect(told(rehearsal)).toEqual([]);
  });

  test.each([
    { EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] } },
    { FunctionName: { Ref: "Nobody" } },
    { FilterCriteria: { Filters: [{ Pattern: '{"a":[{"numeric":[">",1]}]}' }] } },
  ])("that cannot be played here is refused by its name: %j", (mapping) => {
    expect(() => readStack(assemblyWith(template(streamed(mapping))))).toThrow(
      "The event source mapping Changes of the template cannot be played here.",
    );
  });
});
