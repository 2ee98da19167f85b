import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { whileInProgress } from "../support/in-progress.ts";
import {
  ARE_POLLING,
  client,
  connected,
  expectNoEvents,
  isoTime,
  newOrg,
  type Person,
  people,
  person,
  tokenFor,
} from "../support/people.ts";
import { publish, putEvents } from "../support/publishing.ts";
import { logged, settled, stack } from "../support/running.ts";
import { TableName, table } from "../support/table.ts";
import { until } from "../support/until.ts";

const p1 = { projectId: "p1" };
const todos = { ...p1, collectionId: "todos" };
const milk = { _id: "d1", title: "milk", done: false, tags: ["food"], n: 3 };

async function follows(someone: Person, event: string, payload: object): Promise<void> {
  await someone.emit(event, payload);
  if (event !== "subscribe:project") await someone.nextEvent("subscribed");
}

describe("project:created, updated, deleted", () => {
  test.each(["created", "updated", "deleted"])("%s reaches the organisation", async (action) => {
    const { ann, ben } = await people("ann", "ben");
    const { ann: stranger } = await people("ann");

    await publish({ event: `project:${action}`, org: ann.org, ...p1, data: { name: "One" } });

    const news = { ...p1, action, data: { name: "One" }, timestamp: isoTime };
    for (const someone of [ann, ben])
      expect(await someone.nextEvent(`project:${action}`)).toEqual(news);
    await expectNoEvents(ann, ben, stranger);
  });
});

describe("db:collection_*", () => {
  test.each(["created", "updated", "deleted"])("%s reaches the project", async (what) => {
    const { ann, ben } = await people("ann", "ben");
    await follows(ann, "subscribe:project", p1);
    const data = { _id: "todos", name: "Todos", slug: "todos", fields: [], project: "p1" };

    await publish({ event: `db:collection_${what}`, org: ann.org, ...todos, data });

    expect(await ann.nextEvent(`db:collection_${what}`)).toEqual({
      ...todos,
      action: `collection_${what}`,
      data,
      timestamp: isoTime,
    });
    await expectNoEvents(ann, ben);
  });
});

describe("db:create, update, delete", () => {
  test("reach collection and project once, and live queries under their queryId", async () => {
    const { ann, ben, eve, dan } = await people("ann", "ben", "eve", "dan");
    await follows(ann, "subscribe:project", p1);
    await follows(ann, "subscribe:collection", todos);
    await follows(ben, "subscribe:query", { ...todos, queryId: "open", query: { done: false } });
    await follows(eve, "subscribe:query", { ...todos, queryId: "closed", query: { done: true } });
    await follows(dan, "subscribe:collection", { ...todos, collectionId: "others" });

    await publish({ event: "db:create", org: ann.org, ...todos, data: milk });

    const news = { ...todos, action: "create", data: milk, timestamp: isoTime };
    expect(await ann.nextEvent("db:create")).toEqual(news);
    expect(await ben.nextEvent("db:create")).toEqual({ ...news, queryId: "open" });
    await expectNoEvents(ann, ben, eve, dan);
  });

  test("a live query is notified of documents that matched before or match after", async () => {
    const { ann, ben } = await people("ann", "ben");
    await follows(ann, "subscribe:query", { ...todos, queryId: "open", query: { done: false } });
    await follows(ben, "subscribe:query", { ...todos, queryId: "closed", query: { done: true } });
    const update = { event: "db:update", org: ann.org, ...todos };

    await publish({ ...update, data: { ...milk, done: true }, previous: milk });
    expect(await ann.nextEvent("db:update")).toMatchObject({
      queryId: "open",
      data: { done: true },
    });
    expect(await ben.nextEvent("db:update")).toMatchObject({ queryId: "closed" });
    await publish({ ...update, data: { ...milk, done: true } });
    expect(await ben.nextEvent("db:update")).toMatchObject({ queryId: "closed" });

    await expectNoEvents(ann, ben);
  });

  test("of a deleted document only the id is sent", async () => {
    const { ann, ben } = await people("ann", "ben");
    await follows(ann, "subscribe:collection", todos);
    await follows(ben, "subscribe:query", { ...todos, queryId: "open", query: { done: false } });

    await publish({ event: "db:delete", org: ann.org, ...todos, data: milk });

    const news = { ...todos, action: "delete", data: { _id: "d1" }, timestamp: isoTime };
    expect(await ann.nextEvent("db:delete")).toEqual(news);
    expect(await ben.nextEvent("db:delete")).toEqual({ ...news, queryId: "open" });
  });

  test.each([
    [{}, true],
    [{ title: "milk" }, true],
    [{ n: { $gt: 2, $lte: 3 } }, true],
    [{ n: { $gt: 3 } }, false],
    [{ tags: "food" }, true],
    [{ tags: { $all: ["food"] } }, true],
    [{ $or: [{ title: "bread" }, { done: false }] }, true],
    [{ $nor: [{ title: "milk" }] }, false],
    [{ missing: { $exists: false } }, true],
    [{ title: { $in: ["milk", "bread"] } }, true],
    [{ title: { $mod: [2, 0] } }, false],
  ])("the filter %j matches: %s", async (query, isMatch) => {
    const { ann } = await people("ann");
    await follows(ann, "subscribe:query", { ...todos, queryId: "q", query });

    await publish({ event: "db:create", org: ann.org, ...todos, data: milk });

    if (isMatch) expect(await ann.nextEvent("db:create")).toMatchObject({ queryId: "q" });
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a replaced query is notified by its new filter only", async () => {
    const { ann } = await people("ann");
    const query = { ...todos, queryId: "q" };
    await follows(ann, "subscribe:query", { ...query, query: { done: true } });
    await follows(ann, "subscribe:query", { ...query, query: { done: false } });

    await publish({ event: "db:create", org: ann.org, ...todos, data: milk });

    await ann.nextEvent("db:create");
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a stored filter that cannot be matched is skipped and logged", async () => {
    const { ann, ben } = await people("ann", "ben");
    await follows(ann, "subscribe:collection", todos);
    await follows(ann, "subscribe:query", { ...todos, queryId: "good" });
    await follows(ben, "subscribe:query", { ...todos, queryId: "bad" });
    const [bad] = (await stack.database.items()).filter(({ queryId }) => queryId === "bad");
    await table.send(new PutCommand({ TableName, Item: { ...bad, filter: '{"$or":[]}' } }));
    logged.length = 0;

    for (const _id of ["d1", "d2"]) {
      await publish({ event: "db:create", org: ann.org, ...todos, data: { _id } });

      expect(await ann.nextEvent("db:create")).toMatchObject({ data: { _id } });
      expect(await ann.nextEvent("db:create")).toMatchObject({ queryId: "good" });
    }
    await expectNoEvents(ann, ben);
    const skipped = logged
      .join("")
      .split("\n")
      .filter((line) => line.includes("was skipped"));
    expect(skipped.length).toBeGreaterThan(0);
    expect(new Set(skipped.map((line) => JSON.parse(line).queryId))).toEqual(new Set(["bad"]));
    expect(skipped.join()).not.toContain("$or");
  });

  test("a change too large for one invocation of the live queries is refused", async () => {
    const { ann } = await people("ann");
    await follows(ann, "subscribe:collection", todos);
    const previous = { _id: "d1", text: "x".repeat(1_000_000) };

    await expect(
      publish({ event: "db:update", org: ann.org, ...todos, data: milk, previous }),
    ).rejects.toThrow(/^a change with its documents would be \d+ bytes, more than 1000000$/);

    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a thousand queries on a collection are matched with one read and no scan", async () => {
    const org = newOrg();
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, n) => person({ org, sub: `u${n}` })),
    );
    // Not all at once: API Gateway waits 29 s for a function, and this machine runs four at a time.
    for (let n = 0; n < 20; n += 1) {
      const query = { ...todos, queryId: `q${n}`, query: { n } };
      await Promise.all(all.map((someone) => someone.emit("subscribe:query", query)));
    }
    await settled();
    stack.takeCalls();

    await publish({ event: "db:create", org, ...todos, data: milk });
    await settled();

    const calls = stack.takeCalls().map(({ action }) => action);
    expect(calls.filter((action) => action === "dynamodb:Query")).toHaveLength(3);
    // Appends to the queues of clients that poll are repeated where one asks at that moment.
    if (!ARE_POLLING) {
      expect(calls.filter((action) => action === "execute-api:POST")).toHaveLength(50);
      // The log before, the sessions of those that match, the mark after.
      expect(calls.filter((action) => !/^(dynamodb:Query|execute-api:POST)$/.test(action))).toEqual(
        ["dynamodb:BatchWriteItem", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"],
      );
    }
    for (const someone of all)
      expect(await someone.nextEvent("db:create")).toMatchObject({ queryId: "q3" });
  });
});

test.each([
  ["data:change", "subscribe:collection", todos],
  ["document:change", "subscribe:document", { ...todos, documentId: "d1" }],
  ["project:data:change", "subscribe:project", p1],
])("%s reaches only the subscribers of %s", async (event, subscribe, payload) => {
  const { ann, ben } = await people("ann", "ben");
  await follows(ann, subscribe, payload);

  await publish({ event, org: ann.org, ...todos, action: "update", data: milk });

  expect(await ann.nextEvent(event)).toEqual({
    ...todos,
    action: "update",
    data: milk,
    timestamp: isoTime,
  });
  await expectNoEvents(ann, ben);
});

describe("wallets", () => {
  const wallet = { project: "p1", addressId: "a1", address: "0xabc", chain: "Ethereum" };
  const balance = { ...wallet, currency: "eth", previousBalance: "1.5", newBalance: "2.25" };

  test.each([
    ["address", { addressId: "a1" }],
    ["project", { projectId: "p1" }],
    ["chain", { chain: "ETHEREUM" }],
    ["currency", { currency: "Eth" }],
  ])(
    "a balance reaches the subscribers of its %s, once however many rooms",
    async (kind, payload) => {
      const { ann, ben } = await people("ann", "ben");
      await ann.emit(`wallet:subscribe:${kind}`, payload);
      await ann.emit("wallet:subscribe:address", { addressId: "a1" });
      await ann.nextEvent("wallet:subscribed");
      await ann.nextEvent("wallet:subscribed");

      await publish({ event: "wallet:balance:updated", org: ann.org, ...balance });

      expect(await ann.nextEvent("wallet:balance:updated")).toEqual({
        ...balance,
        org: ann.org,
        balance: "2.25",
        timestamp: isoTime,
      });
      await expectNoEvents(ann, ben);
    },
  );

  test.each(["detected", "broadcast", "confirmed", "failed"])(
    "wallet:tx:%s does too",
    async (what) => {
      const { ann, ben } = await people("ann", "ben");
      await ann.emit("wallet:subscribe:chain", { chain: "ethereum" });
      await ann.nextEvent("wallet:subscribed");
      const tx = {
        ...wallet,
        txHash: "0x1",
        amount: "0.1",
        currency: "ETH",
        direction: "incoming",
      };

      await publish({ event: `wallet:tx:${what}`, org: ann.org, ...tx });

      expect(await ann.nextEvent(`wallet:tx:${what}`)).toEqual({
        ...tx,
        org: ann.org,
        timestamp: isoTime,
      });
      await expectNoEvents(ann, ben);
    },
  );
});

describe("emit", () => {
  test("sends any event to any rooms, except excluded ones", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await ann.emit("custom:join", { room: "lobby" });
    await ann.nextEvent("custom:joined");

    await publish({
      event: "emit",
      org: ann.org,
      to: [{ kind: "custom", room: "lobby" }, { kind: "user", userId: "ann" }, { kind: "org" }],
      except: [{ kind: "user", userId: "eve" }],
      name: "news",
      payload: { n: 1 },
    });

    for (const someone of [ann, ben]) expect(await someone.nextEvent("news")).toEqual({ n: 1 });
    await expectNoEvents(ann, ben, eve);
  });

  test.each([
    ["a reserved name", { name: "connect" }, /^name: is a reserved event name/],
    ["no room", { to: [] }, /^to: /],
    ["a room of no kind", { to: [{ kind: "street" }] }, /^to\.0\.kind: /],
    [
      "a name of this contract and another payload",
      { name: "user:typing:start", payload: { userId: "ann" } },
      /^payload\.chatId: must be string/,
    ],
    ["a name of this contract and none", { name: "chat:left" }, /^payload: must be object/],
    [
      "a name of this contract and a list that holds another thing",
      {
        name: "messages:read",
        payload: { chatId: "c", messageIds: ["m", 7], readBy: "ann", timestamp: "now" },
      },
      /^payload\.messageIds\.1: must be string/,
    ],
  ])("with %s is refused and sends nothing", async (_, wrong, message) => {
    const { ann } = await people("ann");
    const entry = { event: "emit", org: ann.org, to: [{ kind: "org" }], name: "news", ...wrong };

    await expect(publish(entry)).rejects.toThrow(message);

    expect(await ann.receivesNothing()).toBe(true);
  });
});

describe("revoke", () => {
  const reconnects = async (claims: Parameters<typeof tokenFor>[0]) =>
    connected(client({ auth: { token: await tokenFor(claims) } }));

  test("of a session notifies its user, disconnects its sockets and refuses it", async () => {
    const org = newOrg();
    const revokedTab = await person({ org, sid: "s1" });
    const otherTab = await person({ org, sid: "s2" });
    const ben = await person({ org, sub: "ben" });
    const gone = new Promise((resolve) => revokedTab.socket.once("disconnect", resolve));

    await publish({ event: "revoke", org, target: { sid: "s1" }, reason: "signed out" });

    const news = { reason: "signed out", timestamp: isoTime };
    expect(await revokedTab.nextEvent("session:expired")).toEqual(news);
    expect(await otherTab.nextEvent("session:expired")).toEqual(news);
    expect(await gone).toBe("io server disconnect");
    await expectNoEvents(otherTab, ben);
    await expect(reconnects({ org, sid: "s1" })).rejects.toThrow(/^Authentication error$/);
    expect((await reconnects({ org, sid: "s3" })).connected).toBe(true);
  });

  test.each([
    ["a user", { userId: "ann" }, { sid: "s" }],
    ["a token", { jti: "t1" }, { jti: "t1" }],
  ])("of %s disconnects and refuses, until it is restored", async (_, target, claims) => {
    const org = newOrg();
    const ann = await person({ org, ...claims });
    const ben = await person({ org, sub: "ben" });
    const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));

    await publish({ event: "revoke", org, target });
    expect(await ann.nextEvent("session:expired")).toEqual({
      reason: "revoked",
      timestamp: isoTime,
    });
    expect(await gone).toBe("io server disconnect");
    await expect(reconnects({ org, ...claims })).rejects.toThrow(/^Authentication error$/);
    await publish({ event: "restore", org, target });

    expect((await reconnects({ org, ...claims })).connected).toBe(true);
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("of two targets at once is refused, and nobody is disconnected", async () => {
    const org = newOrg();
    const ann = await person({ org, sid: "s1" });

    await expect(
      publish({ event: "revoke", org, target: { userId: "zoe", sid: "s1" } }),
    ).rejects.toThrow("target: must name exactly one of userId, sid and jti");
    expect(ann.socket.connected).toBe(true);
  });

  test("does not reach another organisation's session of the same id", async () => {
    const ann = await person({ org: newOrg(), sid: "s1" });

    await publish({ event: "revoke", org: newOrg(), target: { sid: "s1" } });

    expect(await ann.receivesNothing()).toBe(true);
    expect(ann.socket.connected).toBe(true);
  });
});

describe("an id", () => {
  test("publishes an entry once, however often it is sent concurrently", async () => {
    const { ann } = await people("ann");
    const entry = { id: "e1", event: "project:created", org: ann.org, ...p1, data: {} };

    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => publish(entry)));

    const returned = answers.map((answer) =>
      answer.status === "fulfilled" ? JSON.stringify(answer.value) : String(answer.reason),
    );
    expect(returned.filter((answer) => answer === "{}")).toHaveLength(1);
    for (const answer of returned)
      expect(answer).toMatch(/^\{\}$|"repeated":true|conflict: the entry e1 is being published/);
    expect(await publish(entry)).toEqual({ repeated: true });
    await ann.nextEvent("project:created");
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("in progress is a conflict, and can be used again if the first attempt fails", async () => {
    const { ann } = await people("ann");
    const entry = { id: "e1", event: "project:created", org: ann.org, ...p1, data: {} };

    await whileInProgress(`published ${ann.org}`, "e1", () =>
      expect(publish(entry)).rejects.toThrow("conflict: the entry e1 is being published"),
    );
    expect(await ann.receivesNothing()).toBe(true);

    expect(await publish(entry)).toEqual({});
    await ann.nextEvent("project:created");
  });

  test("of a reading entry never prevents its result", async () => {
    const { ann } = await people("ann");
    await publish({ event: "chat:put", org: ann.org, chat: { ...p1, chatId: "c1" } });
    const entry = { id: "e1", event: "chat:get", org: ann.org, ...p1, chatId: "c1" };

    for (const answer of [await publish(entry), await publish(entry)])
      expect(answer).toMatchObject({ chat: { name: "c1" } });
  });

  test("of an entry that was refused can be used again", async () => {
    const { ann } = await people("ann");
    const entry = { id: "e1", event: "chat:get", org: ann.org, ...p1, chatId: "c1" };

    await expect(publish(entry)).rejects.toThrow("there is no chat c1");
    await publish({ event: "chat:put", org: ann.org, chat: { ...p1, chatId: "c1" } });

    expect(await publish(entry)).toMatchObject({ chat: { name: "c1", access: "project" } });
  });
});

describe("an invalid entry is refused with its name, and sends nothing", () => {
  test.each([
    ["no organisation", { event: "project:created" }, /^org: /],
    ["no event", { org: "acme" }, /^event: /],
    [
      "an unknown event",
      { org: "acme", event: "project:eaten" },
      /there is no publication project:eaten/,
    ],
    ["no project", { org: "acme", event: "project:created" }, /^projectId: /],
    [
      "a document without id",
      { org: "acme", event: "db:create", ...todos, data: {} },
      /^data\._id: /,
    ],
    [
      "a number for a balance",
      {
        org: "acme",
        event: "wallet:balance:updated",
        project: "p",
        addressId: "a",
        address: "a",
        chain: "c",
        previousBalance: 1,
        newBalance: "1",
      },
      /^previousBalance: /,
    ],
    [
      "nothing to revoke",
      { org: "acme", event: "revoke", target: {} },
      /^target: must name exactly one/,
    ],
    ["no entry at all", null, /^entry: /],
  ])("%s", async (_, entry, message) => {
    await expect(publish(entry as object)).rejects.toThrow(message);
  });

  test("a packet larger than API Gateway accepts", async () => {
    const { ann } = await people("ann");
    const data = { text: "x".repeat(128 * 1024) };

    await expect(publish({ event: "project:created", org: ann.org, ...p1, data })).rejects.toThrow(
      /more than 131072/,
    );
    expect(await ann.receivesNothing()).toBe(true);
  });
});

describe("the bus", () => {
  test("passes every entry to the publisher, by its detail type", async () => {
    const { ann } = await people("ann");

    await putEvents({ "detail-type": "project:created", detail: { org: ann.org, ...p1, data: 1 } });

    expect(await ann.nextEvent("project:created")).toMatchObject({ data: 1 });
  });

  test("an entry with an id is published once, through the bus and directly", async () => {
    const { ann } = await people("ann");
    const detail = { id: "e2", org: ann.org, ...p1, data: 1 };

    await putEvents({ "detail-type": "project:created", detail });
    await ann.nextEvent("project:created");
    await settled();
    expect(await publish({ event: "project:created", ...detail })).toEqual({ repeated: true });

    expect(await ann.receivesNothing()).toBe(true);
  });

  test("an invalid entry is in the dead-letter queue with the reason", async () => {
    const before = stack.deadLetters.length;

    await putEvents({ "detail-type": "project:created", detail: { org: "acme", id: "dead" } });
    await until(() => stack.deadLetters.length > before);

    expect(stack.deadLetters.at(-1)).toMatchObject({
      event: { detail: { id: "dead" } },
      reason: expect.stringContaining("projectId: "),
    });
  });
});
