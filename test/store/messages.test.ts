import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { createMessages } from "../../lambdas/mudbase/store/messages.ts";
import { createTable } from "../../lambdas/server/store/table.ts";

const NOW = 1_800_000_000_000;
const dynamo = mockClient(DynamoDBDocumentClient);
const table = createTable({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: "us-east-1" })),
  tableName: "items",
  pause: async () => undefined,
});
const messages = (retentionDays: number) =>
  createMessages({ table, now: () => NOW }, retentionDays);
const place = { org: "acme", projectId: "p1", chatId: "lobby" };
const draft = {
  ...{ id: "m1", sender: "ann", type: "text" as const, content: "hello", mentions: [] },
  createdAt: "2026-01-01T00:00:00.000Z",
};
const puts = () => dynamo.commandCalls(PutCommand).map(({ args }) => args[0].input.Item);

beforeEach(() => dynamo.reset());

describe("retention", () => {
  test("gives a message, and the note of its client's id, the days that the deployment sets", async () => {
    dynamo.on(PutCommand).resolves({});

    await messages(2).post(place, { ...draft, clientMessageId: "c1" });

    const expiresAt = NOW / 1000 + 2 * 86_400;
    expect(puts()).toMatchObject([
      { sk: "sent#ann#c1", expiresAt },
      { sk: "message#m1", expiresAt },
    ]);
  });

  test("is for good by default", async () => {
    dynamo.on(PutCommand).resolves({});

    await messages(0).post(place, draft);

    expect(puts()[0]).not.toHaveProperty("expiresAt");
  });

  test("hides what has expired, though TTL has not come yet", async () => {
    const stored = (id: string, expiresAt: number) => ({ ...draft, id, expiresAt });
    dynamo.on(QueryCommand).resolves({
      Items: [stored("kept", NOW / 1000 + 1), stored("expired", NOW / 1000)],
    });
    dynamo
      .on(UpdateCommand)
      .rejects(new ConditionalCheckFailedException({ message: "no", $metadata: {} }));
    dynamo.on(GetCommand).resolves({ Item: stored("expired", NOW / 1000) });

    const { messages: listed } = await messages(1).history(place, { limit: 10 });
    expect(listed.map(({ id }) => id)).toEqual(["kept"]);
    expect(await messages(1).react(place, "expired", { userId: "ann", emoji: "x" })).toBe(
      "not_found",
    );
  });
});

test("a message that holds no more refuses a reaction and an edit", async () => {
  const tooLarge = Object.assign(
    new Error("Item size to update has exceeded the maximum allowed size"),
    {
      name: "ValidationException",
    },
  );
  dynamo.on(UpdateCommand).rejects(tooLarge);
  const edit = { by: "ann", content: "more", editedAt: draft.createdAt };

  expect(await messages(0).react(place, "m1", { userId: "ann", emoji: "x" })).toBe("full");
  expect(await messages(0).edit(place, "m1", edit)).toBe("full");
});

describe("history of a chat where ten thousand messages were removed", () => {
  const first = { ...draft, id: "00000" };
  const removed = Array.from({ length: 10_000 }, (_, n) => ({
    id: String(n + 1).padStart(5, "0"),
    removedAt: NOW,
  }));

  /** The chat's messages, newest first, as a Query gives them. */
  const stored = [first, ...removed]
    .map((item) => ({ ...item, pk: "chat#acme#p1#lobby", sk: `message#${item.id}` }))
    .toReversed();

  beforeEach(() =>
    dynamo.on(QueryCommand).callsFake((input: Required<QueryCommandInput>) => {
      const { ":last": upTo } = input.ExpressionAttributeValues as { ":last": string };
      const { sk: after = `${upTo}.` } = (input.ExclusiveStartKey ?? {}) as { sk?: string };
      const rest = stored.filter(({ sk }) => sk <= upTo && sk < after);
      const Items = rest.slice(0, input.Limit);
      const last = Items.at(-1);
      return { Items, LastEvaluatedKey: rest.length > Items.length ? last : undefined };
    }),
  );

  test.each([1, 100])("is read a bounded part at a time, %s messages a page", async (limit) => {
    let before: string | undefined;
    let pages = 0;
    const found: string[] = [];
    do {
      dynamo.resetHistory();
      const page = await messages(0).history(place, { limit, before });
      pages += 1;
      const inputs = dynamo.commandCalls(QueryCommand).map(({ args }) => args[0].input);
      expect(inputs.length).toBeLessThanOrEqual(5);
      const read = inputs.reduce((sum, { Limit = Number.POSITIVE_INFINITY }) => sum + Limit, 0);
      expect(read).toBeLessThanOrEqual(limit + 2 + 4 * 500);
      found.push(...page.messages.map(({ id }) => id));
      before = page.before;
    } while (before !== undefined);

    expect(found).toEqual(["00000"]);
    expect(pages).toBeLessThanOrEqual(6);
  });
});

test("a message that is not there cannot be edited or deleted, however often the SDK has tried", async () => {
  const again = { message: "no", $metadata: { attempts: 2 } };
  dynamo.on(UpdateCommand).rejects(new ConditionalCheckFailedException(again));
  dynamo.on(GetCommand).resolves({});
  dynamo.on(BatchGetCommand).resolves({});
  const { edit, remove } = messages(0);

  const change = { by: "ann", content: "hi", editedAt: draft.createdAt };
  expect(await edit(place, "m1", change)).toBe("not_found");
  expect(await remove(place, "m1", { userId: "ann", isModerator: false }, [])).toBe("not_found");
});
