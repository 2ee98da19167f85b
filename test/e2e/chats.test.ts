import { describe, expect, test } from "vitest";
import {
  expectNoEvents,
  isoTime,
  newId,
  newOrg,
  type Person,
  people,
  person,
  refusal,
} from "../support/people.ts";
import { putChat } from "../support/publishing.ts";

const lobby = { chatId: "lobby", projectId: "p1" };
const summary = { _id: "lobby", name: "lobby", type: "group" };
const hello = { ...lobby, type: "text", content: "hello" };

/** Ann, ben and eve, of whom ann and ben are in the lobby. */
async function inLobby(): Promise<Record<"ann" | "ben" | "eve", Person>> {
  const all = await people("ann", "ben", "eve");
  await joins(all.ann);
  await joins(all.ben);
  await all.ann.nextEvent("user:online");
  return all;
}

async function joins(someone: Person, chat: object = lobby): Promise<void> {
  await someone.emit("chat:join", chat);
  await someone.nextEvent("chat:joined");
}

async function sends(someone: Person, message: object = hello): Promise<string> {
  const { messageId } = (await someone.emit("message:send", message)) as { messageId: string };
  await someone.nextEvent("message:sent");
  return messageId;
}

describe("chat:join and chat:leave", () => {
  test("are acknowledged, and the others in the chat are notified", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await joins(ann);

    const joined = { ...lobby, chat: summary };
    expect(await ben.emit("chat:join", lobby)).toEqual(joined);
    expect(await ben.nextEvent("chat:joined")).toEqual(joined);
    const news = { userId: "ben", chatId: "lobby", timestamp: isoTime };
    expect(await ann.nextEvent("user:online")).toEqual(news);

    expect(await ben.emit("chat:leave", { chatId: "lobby" })).toEqual({ chatId: "lobby" });
    expect(await ben.nextEvent("chat:left")).toEqual({ chatId: "lobby" });
    expect(await ann.nextEvent("user:offline")).toEqual(news);
    await expectNoEvents(ann, ben, eve);
  });

  test("leaving a chat that the socket is not in notifies nobody", async () => {
    const { ann, eve } = await inLobby();

    expect(await eve.emit("chat:leave", { chatId: "lobby" })).toEqual({ chatId: "lobby" });

    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a token of several projects leaves the chat it is in without naming one", async () => {
    const org = newOrg();
    const ann = await person({ org, projects: ["p1", "p2"] });
    const ben = await person({ org, sub: "ben" });
    await joins(ben);
    await joins(ann);
    await ben.nextEvent("user:online");

    await ann.emit("chat:typing:start", { chatId: "lobby" });
    expect(await ben.nextEvent("user:typing:start")).toEqual({ userId: "ann", chatId: "lobby" });
    await ann.emit("chat:leave", { chatId: "lobby" });
    expect(await ben.nextEvent("user:offline")).toMatchObject({ userId: "ann" });
    expect(await ann.emit("chat:typing:start", { chatId: "lobby" })).toEqual(
      refusal("invalid_payload", /^projectId: /),
    );
  });

  test("the same name in another project or organisation is another chat", async () => {
    const org = newOrg();
    const ann = await person({ org, projects: ["p1", "p2"] });
    const ben = await person({ org, sub: "ben", projects: ["p2"] });
    const { ann: stranger } = await inLobby();
    await joins(ann);
    await joins(ben, { ...lobby, projectId: "p2" });

    await ann.emit("message:send", hello);

    await ann.nextEvent("message:new");
    expect(await ben.receivesNothing()).toBe(true);
    expect(await stranger.receivesNothing()).toBe(true);
    expect(await ben.emit("messages:history", { ...lobby, projectId: "p2" })).toMatchObject({
      messages: [],
    });
  });
});

describe("typing", () => {
  test.each(["start", "stop"])("%s reaches the others and never the typist", async (what) => {
    const { ann, ben, eve } = await inLobby();

    expect(await ann.emit(`chat:typing:${what}`, { chatId: "lobby" })).toEqual({ ok: true });

    expect(await ben.nextEvent(`user:typing:${what}`)).toEqual({ userId: "ann", chatId: "lobby" });
    await expectNoEvents(ann, ben, eve);
  });
});

describe("message:send", () => {
  test("the sender gets a receipt and the whole room the message, sender included", async () => {
    const { ann, ben, eve } = await inLobby();
    const receipt = { messageId: newId, chatId: "lobby", timestamp: isoTime };

    const answer = (await ann.emit("message:send", { ...hello, replyTo: "x" })) as {
      messageId: string;
    };
    expect(answer).toEqual(receipt);
    expect(await ann.nextEvent("message:sent")).toEqual(receipt);

    const news = {
      message: {
        _id: answer.messageId,
        content: "hello",
        sender: "ann",
        chat: "lobby",
        type: "text",
        replyTo: "x",
        mentions: [],
        createdAt: isoTime,
      },
      chat: summary,
    };
    expect(await ann.nextEvent("message:new")).toEqual(news);
    expect(await ben.nextEvent("message:new")).toEqual(news);
    await expectNoEvents(ann, ben, eve);
  });

  test("both tabs of a user in the room get it, each once", async () => {
    const org = newOrg();
    const tabs = [await person({ org }), await person({ org })] as const;
    for (const tab of tabs) await joins(tab);
    await tabs[0].nextEvent("user:online");

    await sends(tabs[0]);

    for (const tab of tabs) await tab.nextEvent("message:new");
    await expectNoEvents(...tabs);
  });

  test("a mentioned user outside the room gets it too, and one in the room gets one copy", async () => {
    const { ann, ben, eve } = await inLobby();

    await sends(ann, { ...hello, mentions: ["eve", "ben", "nobody"] });

    for (const someone of [ann, ben, eve])
      expect(await someone.nextEvent("message:new")).toMatchObject({
        message: { mentions: ["eve", "ben", "nobody"] },
      });
    await expectNoEvents(ann, ben, eve);
  });

  test("a mentioned user whose token does not grant the project receives nothing", async () => {
    const org = newOrg();
    const ann = await person({ org });
    const eve = await person({ org, sub: "eve", projects: ["p2"] });
    await joins(ann);

    await sends(ann, { ...hello, mentions: ["eve"] });

    expect(await eve.receivesNothing()).toBe(true);
  });

  test("works without having joined: permission decides", async () => {
    const { ann, eve } = await inLobby();

    await sends(eve);

    expect(await ann.nextEvent("message:new")).toMatchObject({ message: { sender: "eve" } });
    expect(await eve.receivesNothing()).toBe(true);
  });

  test("fifty concurrent attempts with one clientMessageId are one message", async () => {
    const { ann, ben } = await inLobby();
    const message = { ...hello, clientMessageId: "c1" };

    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ann.emit("message:send", message)),
    );

    const [first] = answers as { messageId: string }[];
    expect(first).toMatchObject({ messageId: newId, clientMessageId: "c1" });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await ben.nextEvent("message:new")).toMatchObject({
      message: { _id: first?.messageId },
    });
    expect(await ben.receivesNothing()).toBe(true);
    expect(await ben.emit("messages:history", lobby)).toMatchObject({
      messages: [{ _id: first?.messageId }],
    });
  });

  test("a clientMessageId is the sender's own, in this chat", async () => {
    const { ann, ben } = await inLobby();
    const message = { ...hello, clientMessageId: "c1" };

    const ids = [
      await sends(ann, message),
      await sends(ben, message),
      await sends(ann, { ...message, chatId: "other" }),
    ];

    expect(new Set(ids).size).toBe(3);
  });

  test("a retry does not bring back what its sender has deleted", async () => {
    const { ann, ben } = await inLobby();
    const message = { ...hello, clientMessageId: "c1" };
    const messageId = await sends(ann, message);
    await ben.nextEvent("message:new");
    await ann.emit("message:delete", { ...lobby, messageId });
    await ben.nextEvent("message:deleted");

    expect(await sends(ann, message)).toBe(messageId);

    expect(await ben.receivesNothing()).toBe(true);
    expect(await ben.emit("messages:history", lobby)).toMatchObject({ messages: [] });
  });

  test("content of 16 KiB is the maximum", async () => {
    const { ann, ben } = await inLobby();

    await sends(ann, { ...hello, content: "é".repeat(8 * 1024) });
    await ben.nextEvent("message:new");
    expect(
      await ann.emit("message:send", { ...hello, content: `${"é".repeat(8 * 1024)}x` }),
    ).toEqual(refusal("too_large", /^content: /));

    expect(await ben.receivesNothing()).toBe(true);
  });

  test.each([
    ["content", { ...hello, content: "" }],
    ["content", { ...lobby, type: "text" }],
    ["type", { ...hello, type: "poem" }],
    ["chatId", { ...hello, chatId: "" }],
    ["projectId", { ...hello, projectId: undefined }],
    ["mentions.0", { ...hello, mentions: [7] }],
    ["clientMessageId", { ...hello, clientMessageId: "a\n" }],
    ["payload", "hello"],
    ["content", { ...hello, content: "half \ud800" }],
  ])("a wrong %s is refused by its path", async (path, payload) => {
    const { ann } = await people("ann");

    expect(await ann.emit("message:send", payload)).toEqual(
      refusal("invalid_payload", new RegExp(`^${path}: `)),
    );
  });

  test("a refusal without an acknowledgement is the event exception", async () => {
    const { ann } = await people("ann");

    ann.emitWithoutAck("message:send", { ...hello, projectId: "p2" });

    expect(await ann.nextEvent("exception")).toEqual({
      code: "forbidden",
      message: expect.stringContaining("p2"),
      event: "message:send",
    });
  });
});

describe("message:react", () => {
  test("adds, and the same emoji again removes", async () => {
    const { ann, ben, eve } = await inLobby();
    const messageId = await sends(ann);
    for (const someone of [ann, ben]) await someone.nextEvent("message:new");

    for (const action of ["added", "removed", "added"]) {
      expect(await ben.emit("message:react", { ...lobby, messageId, emoji: "👍" })).toEqual({
        ok: true,
      });
      const news = { chatId: "lobby", messageId, emoji: "👍", userId: "ben", action };
      for (const someone of [ann, ben])
        expect(await someone.nextEvent("message:reaction")).toEqual({
          ...news,
          timestamp: isoTime,
        });
    }
    await expectNoEvents(ann, ben, eve);
  });

  test("of a hundred at once none is lost", async () => {
    const all = await people("ann", "ben", "cay", "dan", "eve");
    const { ann } = all;
    const messageId = await sends(ann);
    const emojis = Array.from({ length: 20 }, (_, n) => `emoji-${n}`);

    await Promise.all(
      Object.values(all).flatMap((someone) =>
        emojis.map((emoji) => someone.emit("message:react", { ...lobby, messageId, emoji })),
      ),
    );

    const { messages } = (await ann.emit("messages:history", lobby)) as {
      messages: { reactions: object }[];
    };
    expect(messages[0]?.reactions).toEqual(
      Object.fromEntries(emojis.map((emoji) => [emoji, Object.keys(all)])),
    );
  });

  test("an even number of toggles at once leaves nothing", async () => {
    const { ann } = await inLobby();
    const messageId = await sends(ann);

    await Promise.all(
      Array.from({ length: 10 }, () =>
        ann.emit("message:react", { ...lobby, messageId, emoji: "👍" }),
      ),
    );

    expect(await ann.emit("messages:history", lobby)).toMatchObject({
      messages: [{ reactions: {} }],
    });
  });
});

describe("message:edit", () => {
  test("changes the content, and the room is notified", async () => {
    const { ann, ben } = await inLobby();
    const messageId = await sends(ann);

    expect(await ann.emit("message:edit", { ...lobby, messageId, content: "hi" })).toEqual({
      ok: true,
    });

    const news = { chatId: "lobby", messageId, content: "hi", editedAt: isoTime };
    for (const someone of [ann, ben])
      expect(await someone.nextEvent("message:edited")).toEqual(news);
    expect(await ben.emit("messages:history", lobby)).toMatchObject({
      messages: [{ content: "hi", editedAt: isoTime }],
    });
  });

  test("is for the author only", async () => {
    const { ann, ben } = await inLobby();
    const messageId = await sends(ann);

    expect(await ben.emit("message:edit", { ...lobby, messageId, content: "hi" })).toEqual(
      refusal("forbidden"),
    );
  });
});

describe("message:delete", () => {
  test("empties the message, and the room is notified", async () => {
    const { ann, ben } = await inLobby();
    const messageId = await sends(ann);

    expect(await ann.emit("message:delete", { ...lobby, messageId })).toEqual({ ok: true });

    const news = { chatId: "lobby", messageId, deletedBy: "ann", timestamp: isoTime };
    for (const someone of [ann, ben])
      expect(await someone.nextEvent("message:deleted")).toEqual(news);
  });

  test("is for the author and the roles that the chat names", async () => {
    const org = newOrg();
    await putChat(org, { ...lobby, type: "group", access: "project", moderators: ["boss"] });
    const ann = await person({ org });
    const ben = await person({ org, sub: "ben", role: "clerk" });
    const eve = await person({ org, sub: "eve", role: "boss" });
    const messageId = await sends(ann);

    expect(await ben.emit("message:delete", { ...lobby, messageId })).toEqual(refusal("forbidden"));
    expect(await eve.emit("message:delete", { ...lobby, messageId })).toEqual({ ok: true });
  });
});

describe("messages:mark:read", () => {
  test("notifies the room of newly read messages, and nobody if there are none", async () => {
    const { ann, ben } = await inLobby();
    const ids = [await sends(ann), await sends(ann)];
    for (const _ of ids) await ben.nextEvent("message:new");
    await ben.emit("messages:mark:read", { ...lobby, messageIds: ids.slice(0, 1) });
    await ben.nextEvent("messages:read");

    expect(await ben.emit("messages:mark:read", { ...lobby, messageIds: ids })).toEqual({
      ok: true,
    });
    expect(await ben.nextEvent("messages:read")).toEqual({
      chatId: "lobby",
      messageIds: ids.slice(1),
      readBy: "ben",
      timestamp: isoTime,
    });
    await ben.emit("messages:mark:read", { ...lobby, messageIds: [...ids, ...ids] });

    expect(await ben.receivesNothing()).toBe(true);
    expect(await ann.emit("messages:history", lobby)).toMatchObject({
      messages: [{ readBy: 1 }, { readBy: 1 }],
    });
  });

  test("of many at once counts every reader, and notifies of each once", async () => {
    const all = await people("ann", "ben", "cay", "dan", "eve");
    await joins(all.ann);
    const messageId = await sends(all.ann);
    await all.ann.nextEvent("message:new");
    const mark = { ...lobby, messageIds: [messageId] };

    await Promise.all(
      Object.values(all).flatMap((someone) =>
        [1, 2, 3].map(() => someone.emit("messages:mark:read", mark)),
      ),
    );

    const readers = await Promise.all(
      Object.keys(all).map(
        async () => (await all.ann.nextEvent("messages:read")) as { readBy: string },
      ),
    );
    expect(readers.map(({ readBy }) => readBy).toSorted()).toEqual(Object.keys(all));
    expect(await all.ann.receivesNothing()).toBe(true);
    expect(await all.ann.emit("messages:history", lobby)).toMatchObject({
      messages: [{ readBy: 5 }],
    });
  });

  test("marks none if one of the messages does not exist", async () => {
    const { ann, ben } = await inLobby();
    const messageId = await sends(ann);
    await ben.nextEvent("message:new");

    expect(
      await ben.emit("messages:mark:read", { ...lobby, messageIds: [messageId, "nothing"] }),
    ).toEqual(refusal("not_found"));

    expect(await ben.receivesNothing()).toBe(true);
    expect(await ben.emit("messages:history", lobby)).toMatchObject({ messages: [{ readBy: 0 }] });
  });

  test("accepts at most a hundred ids", async () => {
    const { ann } = await people("ann");
    const messageIds = Array.from({ length: 101 }, (_, n) => `m${n}`);

    expect(await ann.emit("messages:mark:read", { ...lobby, messageIds })).toEqual(
      refusal("invalid_payload", /^messageIds: /),
    );
  });
});

describe("a message that does not exist, or no longer exists,", () => {
  test.each([
    ["message:edit", { content: "x" }],
    ["message:react", { emoji: "x" }],
    ["message:delete", {}],
  ])("is not found by %s", async (event, more) => {
    const { ann, ben } = await inLobby();
    const messageId = await sends(ann);
    await ann.emit("message:delete", { ...lobby, messageId });
    await ben.nextEvent("message:new");
    await ben.nextEvent("message:deleted");

    for (const id of [messageId, "nothing"])
      expect(await ann.emit(event, { ...lobby, messageId: id, ...more })).toEqual(
        refusal("not_found"),
      );
    expect(await ben.receivesNothing()).toBe(true);
  });
});

describe("messages:history", () => {
  test("goes back page by page, newest first", async () => {
    const { ann } = await inLobby();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await sends(ann, { ...hello, content: `${n}` }));

    const pages: unknown[] = [];
    let before: string | undefined;
    do {
      const page = (await ann.emit("messages:history", { ...lobby, limit: 2, before })) as {
        messages: { _id: string }[];
        before?: string;
      };
      pages.push(page.messages.map(({ _id }) => _id));
      before = page.before;
    } while (before !== undefined);

    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  });

  test("a page fits into 96 KiB, and the next one continues after it", async () => {
    const { ann } = await inLobby();
    const content = "x".repeat(16 * 1024);
    for (let n = 0; n < 8; n += 1) await sends(ann, { ...hello, content });

    const first = (await ann.emit("messages:history", lobby)) as Page;
    const second = (await ann.emit("messages:history", { ...lobby, before: first.before })) as Page;

    expect(first.messages).toHaveLength(5);
    expect(second.messages).toHaveLength(3);
    expect(second.before).toBeUndefined();
  });

  test.each([0, 101, 1.5])("a limit of %s is refused", async (limit) => {
    const { ann } = await people("ann");

    expect(await ann.emit("messages:history", { ...lobby, limit })).toEqual(
      refusal("invalid_payload", /^limit: /),
    );
  });
});

describe("a chat for its members only", () => {
  const club = { chatId: "club", projectId: "p1" };

  test.each([
    ["chat:join", {}],
    ["chat:typing:start", {}],
    ["message:send", { type: "text", content: "x" }],
    ["message:react", { messageId: "m", emoji: "x" }],
    ["message:edit", { messageId: "m", content: "x" }],
    ["message:delete", { messageId: "m" }],
    ["messages:mark:read", { messageIds: ["m"] }],
    ["messages:history", {}],
    ["call:initiate", { type: "audio", participants: ["ann"] }],
  ])("refuses %s from others, who receive nothing of it", async (event, more) => {
    const org = newOrg();
    await putChat(org, {
      ...club,
      name: "The club",
      type: "group",
      access: "members",
      members: ["ann"],
    });
    const ann = await person({ org });
    const eve = await person({ org, sub: "eve" });
    expect(await ann.emit("chat:join", club)).toMatchObject({
      chat: { _id: "club", name: "The club", type: "group" },
    });
    await ann.nextEvent("chat:joined");

    expect(await eve.emit(event, { ...club, ...more })).toEqual(refusal("forbidden"));

    expect(await ann.receivesNothing()).toBe(true);
    await sends(ann, { ...hello, ...club, mentions: ["eve"] });
    expect(await eve.receivesNothing()).toBe(true);
  });

  test("is left at once by users who are no longer members", async () => {
    const { ann, eve } = await people("ann", "eve");
    for (const someone of [ann, eve]) await joins(someone, club);
    await ann.clearReceived();

    await putChat(ann.org, { ...club, type: "group", access: "members", members: ["ann"] });

    expect(await eve.nextEvent("chat:left")).toEqual({ chatId: "club" });
    await ann.emit("chat:typing:start", club);
    await expectNoEvents(ann, eve);
  });
});

test.each([
  ["chat:join", {}],
  ["message:send", { type: "text", content: "x" }],
  ["message:react", { messageId: "m", emoji: "x" }],
  ["message:edit", { messageId: "m", content: "x" }],
  ["message:delete", { messageId: "m" }],
  ["messages:mark:read", { messageIds: ["m"] }],
  ["messages:history", {}],
])("%s in a project that the token does not grant is forbidden", async (event, more) => {
  const { ann } = await people("ann");

  expect(await ann.emit(event, { chatId: "lobby", projectId: "p2", ...more })).toEqual(
    refusal("forbidden", /p2/),
  );
});

interface Page {
  readonly messages: readonly { readonly _id: string }[];
  readonly before?: string;
}
