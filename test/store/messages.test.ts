import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { createMessages } from "../../lambdas/store/messages.ts";
import { createTable } from "../../lambdas/store/table.ts";

const NOW = 1_800_000_000_000;
const dynamo = mockClient(DynamoDBDocumentClient);
const table = createTable({
  client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: "us-east-1" })),
  tableName: "items",
  pause: async () => undefined,
});
const messages = (retentionDays: number) =>
  createMessages({ table, now: () => NOW, retentionDays });
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
