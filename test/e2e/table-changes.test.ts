import type { Context, DynamoDBRecord } from "aws-lambda";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { telemetry } from "../../lambdas/server/telemetry.ts";
import { whileInProgress } from "../support/in-progress.ts";
import { expectNoEvents, isoTime, newOrg, person } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { stack } from "../support/running.ts";

const orders = { projectId: "p1", collectionId: "orders" };

/** Stream records, with ids that differ in each test. */
const record = (
  eventID: string,
  eventName: "INSERT" | "MODIFY" | "REMOVE",
  images: { readonly NewImage?: object; readonly OldImage?: object },
) =>
  ({
    eventID,
    eventName,
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "us-east-1",
    dynamodb: {
      ApproximateCreationDateTime: 1_795_000_000,
      Keys: { orderId: { S: "o1" } },
      ...images,
      SequenceNumber: `${eventID}00000000000000000001`,
      SizeBytes: 59,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    eventSourceARN: "arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/2026",
  }) as DynamoDBRecord;

const open = {
  orderId: { S: "o1" },
  total: { N: "12.5" },
  isPaid: { BOOL: false },
  tags: { SS: ["a", "b"] },
  lines: { L: [{ M: { sku: { S: "x" } } }] },
  secret: { S: "do not tell" },
  scan: { B: "AAAA" },
};
const paid = { ...open, isPaid: { BOOL: true } };
const published = {
  _id: "o1",
  total: 12.5,
  isPaid: false,
  tags: ["a", "b"],
  lines: [{ sku: "x" }],
  scan: "AAAA",
};

const org = newOrg();
let handler: (event: { Records: DynamoDBRecord[] }) => Promise<unknown>;

beforeAll(async () => {
  Object.assign(process.env, {
    TABLE_NAME: stack.tableNames[0],
    AWS_REGION: "us-east-1",
    AWS_LAMBDA_FUNCTION_NAME: publishFunction(),
    AWS_ENDPOINT_URL_LAMBDA: stack.url,
    AWS_ACCESS_KEY_ID: `LOCAL${publishFunction().toUpperCase()}`,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_DYNAMODB: stack.url,
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${stack.url}${stack.stagePath}`,
    TABLE_CHANGES: JSON.stringify({
      ...{ org, ...orders, idAttribute: "orderId" },
      attributes: ["total", "isPaid", "tags", "lines", "scan"],
    }),
  });
  const loaded = await import("../../lambdas/mudbase/functions/table-changes.ts");
  handler = (event) => loaded.handler(event, {} as Context);
});

describe("the changes of a DynamoDB table", () => {
  test("are published to a collection in their order, with the allowed attributes only", async () => {
    const [ann, ben] = [await person({ org }), await person({ org, sub: "ben" })];
    await ann.emit("subscribe:collection", "orders");

    const answer = await handler({
      Records: [
        record("c1", "INSERT", { NewImage: open }),
        record("c2", "MODIFY", { OldImage: open, NewImage: paid }),
        record("c3", "REMOVE", { OldImage: paid }),
      ],
    });

    expect(answer).toEqual({ batchItemFailures: [] });
    const common = { ...orders, timestamp: isoTime };
    expect(await ann.nextEvent("db:create")).toEqual({
      ...common,
      action: "create",
      data: published,
    });
    expect(await ann.nextEvent("db:update")).toEqual({
      ...common,
      action: "update",
      data: { ...published, isPaid: true },
    });
    expect(await ann.nextEvent("db:delete")).toEqual({
      ...common,
      action: "delete",
      data: { _id: "o1" },
    });
    await expectNoEvents(ann, ben);
  });

  test("reach the live queries that an item no longer matches", async () => {
    const ann = await person({ org });
    const query = { ...orders, queryId: "unpaid", query: { isPaid: false } };
    await ann.emit("subscribe:query", query);
    await ann.nextEvent("subscribed");

    await handler({ Records: [record("d1", "MODIFY", { OldImage: open, NewImage: paid })] });

    expect(await ann.nextEvent("db:update")).toMatchObject({ queryId: "unpaid" });
  });

  test("that are repeated, as by a stream after a failure, are published once", async () => {
    const ann = await person({ org });
    await ann.emit("subscribe:collection", "orders");
    const Records = [record("e1", "INSERT", { NewImage: open })];

    await handler({ Records });
    await handler({ Records });

    await ann.nextEvent("db:create");
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("that are refused are skipped, and the following ones are published", async () => {
    const ann = await person({ org });
    await ann.emit("subscribe:collection", "orders");

    const answer = await handler({
      Records: [
        record("f1", "INSERT", { NewImage: open }),
        record("f2", "INSERT", { NewImage: { total: { N: "1" } } }),
        record("f3", "INSERT", { NewImage: { ...open, orderId: { S: "o3" } } }),
      ],
    });

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id: "o1" } });
    expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id: "o3" } });
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("stop at a change whose earlier attempt has died, which is reported, counted and published by the next attempt", async () => {
    const count = vi.spyOn(telemetry, "count");
    const ann = await person({ org });
    await ann.emit("subscribe:collection", "orders");
    const Records = [
      record("g1", "INSERT", { NewImage: open }),
      record("g2", "INSERT", { NewImage: open }),
      record("g3", "INSERT", { NewImage: open }),
    ];

    const answer = await whileInProgress(`published ${org}`, "g2", () => handler({ Records }));

    expect(answer).toEqual({
      batchItemFailures: [{ itemIdentifier: "g200000000000000000001" }],
    });
    expect(count.mock.calls.filter(([metric]) => metric === "ChangesFailed")).toHaveLength(1);
    await ann.nextEvent("db:create");
    expect(await ann.receivesNothing()).toBe(true);

    expect(await handler({ Records: Records.slice(1) })).toEqual({ batchItemFailures: [] });
    for (let number = 0; number < 2; number += 1) await ann.nextEvent("db:create");
    expect(await ann.receivesNothing()).toBe(true);
  });

  test.each([
    ["9007199254740991", 9_007_199_254_740_991],
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740993", "-9007199254740993"],
    ["100000000000000000000", "100000000000000000000"],
    ["1E+30", "1E+30"],
    ["0.30000000000000004", 0.30000000000000004],
    ["0.1", 0.1],
    ["1E-7", 1e-7],
    ["1.2345678901234567890123", "1.2345678901234567890123"],
    ["123456789012345.0000001", "123456789012345.0000001"],
    ["0", 0],
  ])("have the number %s, as a string if a double cannot hold it exactly", async (N, number) => {
    const ann = await person({ org });
    await ann.emit("subscribe:collection", "orders");
    const total = { N };
    const lines = { L: [{ M: { n: { N } } }, { L: [{ N }] }, { NS: [N] }] };

    await handler({
      Records: [record(`n${N}`, "INSERT", { NewImage: { orderId: { N: "7" }, total, lines } })],
    });

    expect(await ann.nextEvent("db:create")).toMatchObject({
      data: { _id: 7, total: number, lines: [{ n: number }, [number], [number]] },
    });
  });

  test("too large for a packet are published as their id, to the live queries that match the whole document", async () => {
    const ann = await person({ org });
    const ben = await person({ org, sub: "ben" });
    await ann.emit("subscribe:collection", "orders");
    for (const [queryId, isPaid] of [
      ["paid", true],
      ["unpaid", false],
    ] as const) {
      await ben.emit("subscribe:query", { ...orders, queryId, query: { isPaid } });
      await ben.nextEvent("subscribed");
    }
    const large = { ...paid, lines: { S: '"'.repeat(65_000) } };

    const answer = await handler({ Records: [record("l1", "INSERT", { NewImage: large })] });

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id: "o1" } });
    const received = (await ben.nextEvent("db:create")) as { readonly data: object };
    expect(received).toMatchObject({ queryId: "paid" });
    expect(received.data).toEqual({ _id: "o1" });
    await expectNoEvents(ann, ben);
  });
});
