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
import { assemblyWith, type Deployment, deployPerTest, template } from "../support/deployment.ts";

const start = deployPerTest();

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

const LOGGING = `export const handler = async ({ Records }) => {
  console.log(JSON.stringify(Records));
};`;

const clientOf = ({ stack }: Deployment) =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: stack.url,
      region: "us-east-1",
      credentials: { accessKeyId: "TEST", secretAccessKey: "x" },
    }),
  );
const putOf =
  (deployment: Deployment) =>
  (orderId: string, attributes: object = {}) =>
    clientOf(deployment).send(
      new PutCommand({ TableName: "Orders", Item: { orderId, ...attributes } }),
    );

/** The batches that the function has received. */
const batches = ({ logged }: Deployment): DynamoDBRecord[][] =>
  logged.filter((line) => line.startsWith("[")).map((line) => JSON.parse(line));
const recordsOf = (deployment: Deployment) => batches(deployment).flat();
const idsIn = (records: readonly DynamoDBRecord[]) =>
  records.map(({ dynamodb }) => dynamodb?.Keys?.orderId?.S);

describe("a table's stream", () => {
  test("has records of items that are created, changed and removed, in their order", async () => {
    const deployment = await start(LOGGING, { resources: streamed() });
    const [client, put] = [clientOf(deployment), putOf(deployment)];
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
    await deployment.stack.idle();

    const records = recordsOf(deployment);
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

  test("has records of every item of a batch, and of no failed conditional write", async () => {
    const deployment = await start(LOGGING, { resources: streamed() });
    const client = clientOf(deployment);
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
    await deployment.stack.idle();

    expect(idsIn(recordsOf(deployment))).toEqual(["o1", "o2"]);
  });

  test("has records of deletions by TTL, and marks them", async () => {
    const deployment = await start(LOGGING, { resources: streamed() });
    await putOf(deployment)("o1", { dies: 1 });
    await deployment.stack.database.expire(2000);
    await deployment.stack.idle();

    expect(recordsOf(deployment).at(-1)).toMatchObject({
      eventName: "REMOVE",
      userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" },
    });
  });

  test("loses nothing with concurrent writes: each record has the image before it", async () => {
    const deployment = await start(LOGGING, { resources: streamed() });
    const put = putOf(deployment);

    await Promise.all(Array.from({ length: 20 }, (_, total) => put("o1", { total })));
    await deployment.stack.idle();

    const images = recordsOf(deployment).map(({ dynamodb }) => dynamodb);
    expect(images).toHaveLength(20);
    for (const [index, image] of images.entries())
      expect(image?.OldImage).toEqual(images[index - 1]?.NewImage);
  });

  test("has the images of the table's view type", async () => {
    const resources = streamed({}, { StreamSpecification: { StreamViewType: "KEYS_ONLY" } });
    const deployment = await start(LOGGING, { resources });
    await putOf(deployment)("o1");
    await deployment.stack.idle();

    expect(recordsOf(deployment)[0]?.dynamodb).not.toHaveProperty("NewImage");
  });
});

describe("a mapping", () => {
  test("passes only records that its filters match, in batches of its size", async () => {
    const Filters = [
      { Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"state":{"S":["paid"]}}}}' },
      { Pattern: '{"dynamodb":{"Keys":{"orderId":{"S":[{"prefix":"vip-"}]}}}}' },
    ];
    const resources = streamed({ BatchSize: 2, FilterCriteria: { Filters } });
    const deployment = await start(LOGGING, { resources });

    await clientOf(deployment).send(
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
    await deployment.stack.idle();

    expect(idsIn(recordsOf(deployment))).toEqual(["a", "c", "d", "vip-1"]);
    for (const batch of batches(deployment)) expect(batch.length).toBeLessThanOrEqual(2);
  });

  /** Fails at the order "bad" with this code. */
  const failing = (fail: string) => `export const handler = async ({ Records }) => {
    console.log(JSON.stringify(Records));
    const bad = Records.find(({ dynamodb }) => dynamodb.Keys.orderId.S === "bad");
    if (bad) { ${fail} }
    return { batchItemFailures: [] };
  };`;
  const REPORTING =
    "return { batchItemFailures: [{ itemIdentifier: bad.dynamodb.SequenceNumber }] };";
  const putThree = async (deployment: Deployment) => {
    const PutRequest = (orderId: string) => ({ PutRequest: { Item: { orderId } } });
    const Orders = ["good", "bad", "later"].map(PutRequest);
    await clientOf(deployment).send(new BatchWriteCommand({ RequestItems: { Orders } }));
    await deployment.stack.idle();
  };

  test("retries from the first reported record, then notifies the failure destination", async () => {
    const deployment = await start(failing(REPORTING), {
      resources: streamed({
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        MaximumRetryAttempts: 2,
      }),
    });
    await putOf(deployment)("first");
    await deployment.stack.idle();
    await putThree(deployment);

    const tried = batches(deployment).filter((batch) => idsIn(batch).includes("bad"));
    expect(tried).toHaveLength(3);
    for (const batch of tried.slice(1)) expect(idsIn(batch)[0]).toBe("bad");
    const [head, tail] = [tried.at(-1)?.[0], tried.at(-1)?.at(-1)];
    expect(deployment.stack.deadLetters).toMatchObject([
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
    // The message names the position of the records, never their content.
    expect(JSON.stringify(deployment.stack.deadLetters)).not.toContain("orderId");
  });

  test("splits a batch whose function throws, so that only the bad record is dropped", async () => {
    const deployment = await start(failing('throw new Error("no");'), {
      resources: streamed({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1 }),
    });
    await putThree(deployment);

    const ids = batches(deployment).map(idsIn);
    expect(ids.at(-1)).toEqual(["later"]);
    expect(deployment.stack.deadLetters).toMatchObject([
      { event: { DDBStreamBatchInfo: { batchSize: 1 } } },
    ]);
  });

  test("without a maximum of retries continues until it succeeds", async () => {
    const deployment = await start(
      `let tries = 0; export const handler = async () => {
        tries += 1;
        console.log(tries);
        if (tries < 6) throw new Error("not yet");
      };`,
      { resources: streamed() },
    );
    await putOf(deployment)("o1");
    await deployment.stack.idle();

    expect(deployment.logged.filter((line) => /^\d$/.test(line)).at(-1)).toBe("6");
    expect(deployment.stack.deadLetters).toEqual([]);
  });

  test("that is not enabled receives nothing", async () => {
    const deployment = await start(LOGGING, { resources: streamed({ Enabled: false }) });
    await putOf(deployment)("o1");
    await deployment.stack.idle();

    expect(recordsOf(deployment)).toEqual([]);
  });

  test.each([
    { EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] } },
    { FunctionName: { Ref: "Nobody" } },
    { FilterCriteria: { Filters: [{ Pattern: '{"a":[{"numeric":[">",1]}]}' }] } },
  ])("that is not supported locally is refused with its name: %j", (mapping) => {
    expect(() => readStack(assemblyWith(template(streamed(mapping))))).toThrow(
      "The event source mapping Changes of the template is not supported locally.",
    );
  });
});
