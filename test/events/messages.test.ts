import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { MESSAGE_BYTES } from "../../lambdas/server/model/limits.ts";
import { createWorld } from "../faults/world.ts";
import { ask, payloadsOf } from "../support/asking.ts";

const KIB = 1024;
const WITHOUT_RATES = { messageSendsPerSecond: 0, messageEventsPerSecond: 0, framesPerSecond: 0 };
const world = await createWorld(inject("assembly"), WITHOUT_RATES);
const large = await createWorld(inject("assembly"), {
  ...{ ...WITHOUT_RATES, messageContentBytes: 96 * KIB },
});
afterAll(async () => {
  await world.stop();
  await large.stop();
});

const lobby = { chatId: "lobby", projectId: "p1" };
const hello = { ...lobby, type: "text", content: "hello" };
let organisations = 0;
let org = "";
let ann = "";
let ben = "";

beforeEach(async () => {
  org = `org-${++organisations}`;
  ann = await world.connect("ann", org);
  ben = await world.connect("ben", org);
});

interface Page {
  readonly messages: readonly {
    readonly content: string;
    readonly reactions?: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly before?: string;
}

async function sends(who = ann): Promise<string> {
  return ((await ask(world, who, "message:send", hello)) as { messageId: string }).messageId;
}

const react = (who: string, messageId: string, emoji: string) =>
  ask(world, who, "message:react", { ...lobby, messageId, emoji });

const reactionsOf = async () =>
  ((await ask(world, ann, "messages:history", lobby)) as Page).messages[0]?.reactions ?? {};

const refused = (code: string) => ({ error: { code, message: expect.any(String) } });

describe("reactions", () => {
  test("of one user to a message are twenty at most, however many come at once", async () => {
    const messageId = await sends();

    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        world.send(
          ann,
          `42${JSON.stringify(["message:react", { ...lobby, messageId, emoji: `e${n}` }])}`,
        ),
      ),
    );

    const reactions = await reactionsOf();
    expect(Object.keys(reactions)).toHaveLength(20);
    expect(payloadsOf(world, ann, "exception")).toEqual(
      Array.from({ length: 20 }, () => expect.objectContaining({ code: "limit_exceeded" })),
    );
    expect(await react(ben, messageId, "e1")).toEqual({ ok: true });
    const [one = ""] = Object.keys(reactions);
    expect(await react(ann, messageId, one)).toEqual({ ok: true });
    expect(await react(ann, messageId, "another")).toEqual({ ok: true });
    expect(await react(ann, messageId, "one too many")).toEqual(refused("limit_exceeded"));
  });

  test("to a message are two hundred at most, and can be removed then", async () => {
    const messageId = await sends();
    for (let n = 0; n < 10; n += 1) {
      const someone = await world.connect(`user-${n}`, org);
      for (let k = 0; k < 20; k += 1) await react(someone, messageId, `e${k}`);
    }

    expect(await react(ann, messageId, "x")).toEqual(refused("limit_exceeded"));
    const someone = await world.connect("user-0", org);
    expect(await react(someone, messageId, "e0")).toEqual({ ok: true });
    expect(await react(ann, messageId, "x")).toEqual({ ok: true });
  });

  test("are an emoji of 32 bytes at most", async () => {
    const messageId = await sends();

    expect(await react(ann, messageId, "😀".repeat(8))).toEqual({ ok: true });
    expect(await react(ann, messageId, `${"😀".repeat(8)}!`)).toEqual({
      error: { code: "invalid_payload", message: expect.stringMatching(/^emoji: .*32 bytes/) },
    });
  });

  test.each(["__proto__", "constructor", "a#b%"])("keep the emoji %s", async (emoji) => {
    const messageId = await sends();

    await react(ann, messageId, emoji);

    expect(Object.entries(await reactionsOf())).toEqual([[emoji, ["ann"]]]);
  });

  test("go with their message", async () => {
    const messageId = await sends();
    for (const who of [ann, ben]) await react(who, messageId, "x");

    await ask(world, ann, "message:delete", { ...lobby, messageId });

    const [item] = (await world.items()).filter(({ sk }) => sk === `message#${messageId}`);
    expect(Object.keys(item ?? {}).filter((name) => name.startsWith("reactions"))).toEqual([]);
  });
});

describe("a page of history", () => {
  test("leaves out the reactions of a message that would not fit with them", async () => {
    const messageId = await sends();
    await world.database.send(
      new UpdateCommand({
        TableName: world.tableName,
        Key: { pk: `chat#${org}#p1#lobby`, sk: `message#${messageId}` },
        UpdateExpression: "ADD reactions :reactions",
        ExpressionAttributeValues: {
          ":reactions": new Set(
            Array.from({ length: 1500 }, (_, n) => `${String(n).padStart(100, "e")}#eve`),
          ),
        },
      }),
    );

    const page = (await ask(world, ann, "messages:history", lobby)) as Page;

    expect(page.messages).toMatchObject([{ content: "hello" }]);
    expect(page.messages[0]).not.toHaveProperty("reactions");
  });

  test("has room for a hundred messages of a chat of the longest name", async () => {
    const chat = { ...lobby, chatId: "一".repeat(128) };
    const content = "x".repeat(780);
    for (let n = 0; n < 100; n += 1)
      await ask(world, ann, "message:send", { ...chat, type: "text", content });

    const page = (await ask(world, ann, "messages:history", chat)) as Page;

    expect(page.messages.length).toBeGreaterThan(50);
  });
});

describe("the largest content", () => {
  const longest = (character: string) => character.repeat(128);
  const worst = {
    chatId: longest("一"),
    projectId: "p1",
    type: "audio",
    replyTo: longest("二"),
    mentions: Array.from({ length: 50 }, (_, n) => `${n}`.padStart(128, "三")),
    clientMessageId: longest("四"),
  };

  test.each([
    ["control characters", "\u0001".repeat(16 * KIB)],
    ["quotes", '"'.repeat(48 * KIB)],
    ["what a setting may allow", "x".repeat(96 * KIB)],
  ])("of %s is heard, and found in the history", async (_, content) => {
    const sender = await large.connect(longest("五"), org);
    await large.publish({
      ...{ event: "chat:put", org },
      chat: { chatId: worst.chatId, projectId: "p1", name: "\u0001".repeat(256) },
    });
    await ask(large, sender, "chat:join", worst);

    expect(await ask(large, sender, "message:send", { ...worst, content })).not.toHaveProperty(
      "error",
    );

    expect(payloadsOf(large, sender, "message:new")).toMatchObject([{ message: { content } }]);
    expect(await ask(large, sender, "messages:history", worst)).toMatchObject({
      messages: [{ content }],
    });
    for (const frame of large.framesOf(sender))
      expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MESSAGE_BYTES);
  });

  test.each(["message:send", "message:edit"])(
    "is what its JSON has room for, too: %s with more is refused, and nothing stored",
    async (event) => {
      const sender = await large.connect("ann", org);
      const sent = (await ask(large, sender, "message:send", hello)) as { messageId: string };
      const content = "\u0001".repeat(16 * KIB + 1);

      expect(await ask(large, sender, event, { ...hello, ...sent, content })).toEqual({
        error: { code: "too_large", message: expect.stringMatching(/^content: .* of JSON/) },
      });
      expect(await ask(large, sender, "messages:history", lobby)).toMatchObject({
        messages: [{ content: "hello" }],
      });
    },
  );
});

describe("messages:mark:read, where one of five writes fails,", () => {
  test("tells the room of the other four, then the failure", async () => {
    const ids = [await sends(), await sends(), await sends(), await sends(), await sends()];
    await ask(world, ann, "chat:join", lobby);

    await world.failing(
      ({ Key }) => Key?.sk === `message#${ids[2]}`,
      async () =>
        expect(
          await ask(world, ben, "messages:mark:read", { ...lobby, messageIds: ids }),
        ).toMatchObject({ error: { code: "internal" } }),
    );
    await ask(world, ben, "messages:mark:read", { ...lobby, messageIds: ids });

    expect(payloadsOf(world, ann, "messages:read")).toMatchObject([
      { messageIds: [ids[0], ids[1], ids[3], ids[4]] },
      { messageIds: [ids[2]] },
    ]);
  });
});
