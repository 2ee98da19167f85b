import { describe, expect, test } from "vitest";
import { newOrg, people, person } from "../support/people.ts";
import { allDisconnected, stack } from "../support/running.ts";

const stored = async (prefix: string) =>
  (await stack.database.items()).filter(
    ({ pk, released }) => String(pk).startsWith(prefix) && released !== true,
  );

describe("subscribe:project", () => {
  test("joins the project named by a string or by an object", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");

    expect(await ann.emit("subscribe:project", "p1")).toEqual({ type: "project", id: "p1" });
    expect(await ben.emit("subscribe:project", { projectId: "p1" })).toEqual({
      type: "project",
      id: "p1",
    });
    await eve.emit("custom:event", { projectId: "p1", n: 1 });

    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1 });
    expect(await ben.nextEvent("custom:event")).toMatchObject({ n: 1 });
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a project the token does not grant is forbidden and nothing is stored", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:project", "p2")).toEqual({
      error: { code: "forbidden", message: "your token does not grant the project p2" },
    });
    expect(await stored(`room#${ann.org}#/#project`)).toEqual([]);
  });

  test("[SIO20] a refusal without an acknowledgement comes as the event exception", async () => {
    const { ann } = await people("ann");

    ann.emitWithoutAck("subscribe:project", "p2");

    expect(await ann.nextEvent("exception")).toEqual({
      code: "forbidden",
      message: "your token does not grant the project p2",
      event: "subscribe:project",
    });
  });

  test.each([
    ["nothing", undefined, "payload"],
    ["a number", 7, "payload"],
    ["an empty string", "", "payload"],
    ["an object without projectId", {}, "projectId"],
    ["an id of 129 characters", { projectId: "x".repeat(129) }, "projectId"],
    ["an id with a control character", { projectId: "a\u0000b" }, "projectId"],
    ["an id with half a character", { projectId: "\ud800" }, "projectId"],
  ])("%s is refused and the path is named", async (_, payload, path) => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:project", payload)).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(`^${path}: `) },
    });
  });

  test("a token for all projects grants each", async () => {
    const ann = await person({ org: newOrg(), projects: "*" });

    expect(await ann.emit("subscribe:project", "any")).toEqual({ type: "project", id: "any" });
  });
});

describe("subscribe:collection and unsubscribe:collection", () => {
  test("the object form is answered with subscribed, to the acknowledgement as well", async () => {
    const { ann, ben } = await people("ann", "ben");
    const reply = { type: "collection", id: "todos", projectId: "p1" };

    expect(
      await ann.emit("subscribe:collection", { projectId: "p1", collectionId: "todos" }),
    ).toEqual(reply);
    expect(await ann.nextEvent("subscribed")).toEqual(reply);
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("the string form means the token's only project and has no reply event", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:collection", "todos")).toEqual({ ok: true });
    expect(await ann.receivesNothing()).toBe(true);
    expect(await stored(`room#${ann.org}#/#collection#p1#todos`)).toHaveLength(1);
  });

  test("the string form is ambiguous with several projects", async () => {
    const ann = await person({ org: newOrg(), projects: ["p1", "p2"] });

    expect(await ann.emit("subscribe:collection", "todos")).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^projectId: /) },
    });
  });

  test("subscribing again changes nothing", async () => {
    const { ann } = await people("ann");
    const todos = { projectId: "p1", collectionId: "todos" };

    const first = await ann.emit("subscribe:collection", todos);

    expect(await ann.emit("subscribe:collection", todos)).toEqual(first);
    expect(await stored(`room#${ann.org}#/#collection`)).toHaveLength(1);
  });

  test("unsubscribing leaves the room and is answered with unsubscribed", async () => {
    const { ann } = await people("ann");
    await ann.emit("subscribe:collection", "todos");
    const reply = { type: "collection", id: "todos" };

    expect(await ann.emit("unsubscribe:collection", { collectionId: "todos" })).toEqual(reply);
    expect(await ann.nextEvent("unsubscribed")).toEqual(reply);
    expect(await stored(`room#${ann.org}#/#collection`)).toEqual([]);
  });

  test("unsubscribing in a project that is not granted is forbidden", async () => {
    const { ann } = await people("ann");

    expect(
      await ann.emit("unsubscribe:collection", { collectionId: "todos", projectId: "p2" }),
    ).toMatchObject({ error: { code: "forbidden" } });
  });

  test("if subscribing and unsubscribing overlap, the session and the room agree on whether it is a member", async () => {
    const { ann } = await people("ann");
    const calls = Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0
        ? ann.emit("subscribe:collection", "todos")
        : ann.emit("unsubscribe:collection", { collectionId: "todos" }),
    );
    await Promise.all(calls);
    await stack.idle();

    const [session] = await stored("sess#");
    const listed = (await stored(`room#${ann.org}#/#collection`)).length;
    const isIn = Object.hasOwn(session?.rooms as object, "=collection#p1#todos");
    expect(listed).toBe(isIn ? 1 : 0);
  });
});

describe("subscribe:document", () => {
  test("is answered with subscribed and is confined to project and collection", async () => {
    const { ann } = await people("ann");
    const document = { projectId: "p1", collectionId: "todos", documentId: "d1" };
    const reply = { type: "document", id: "d1", projectId: "p1", collectionId: "todos" };

    expect(await ann.emit("subscribe:document", document)).toEqual(reply);
    expect(await ann.nextEvent("subscribed")).toEqual(reply);
    expect(await stored(`room#${ann.org}#/#document#p1#todos#d1`)).toHaveLength(1);
  });

  test.each(["projectId", "collectionId", "documentId"])("%s is required", async (missing) => {
    const { ann } = await people("ann");
    const document = { projectId: "p1", collectionId: "todos", documentId: "d1" };

    expect(
      await ann.emit("subscribe:document", { ...document, [missing]: undefined }),
    ).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(`^${missing}: `) },
    });
  });

  test("another project is forbidden", async () => {
    const { ann } = await people("ann");
    const document = { projectId: "p2", collectionId: "todos", documentId: "d1" };

    expect(await ann.emit("subscribe:document", document)).toMatchObject({
      error: { code: "forbidden" },
    });
  });
});

describe("subscribe:query", () => {
  const todos = { projectId: "p1", collectionId: "todos", queryId: "open" };
  const reply = { type: "query", id: "open", projectId: "p1", collectionId: "todos" };

  test("stores the filter and answers with subscribed", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:query", { ...todos, query: { done: false } })).toEqual(reply);
    expect(await ann.nextEvent("subscribed")).toEqual(reply);
    expect(await stored(`query#${ann.org}#p1#todos`)).toMatchObject([
      { queryId: "open", filter: '{"done":false}' },
    ]);
  });

  test("without a filter every document matches", async () => {
    const { ann } = await people("ann");

    await ann.emit("subscribe:query", todos);

    expect(await stored("query#")).toMatchObject([{ filter: "{}" }]);
  });

  test.each(["__proto__", "constructor", "toString"])(
    "a query may have the id %s, is replaced, and is deleted with its socket",
    async (queryId) => {
      const { ann } = await people("ann");
      for (const collectionId of ["todos", "notes"])
        expect(
          await ann.emit("subscribe:query", { ...todos, collectionId, queryId }),
        ).toMatchObject({
          id: queryId,
        });
      expect(await stored("query#")).toMatchObject([{ pk: `query#${ann.org}#p1#notes`, queryId }]);

      ann.socket.disconnect();
      await allDisconnected();

      expect(await stored("query#")).toEqual([]);
    },
  );

  test("the same queryId again replaces it, in another collection too", async () => {
    const { ann } = await people("ann");
    await ann.emit("subscribe:query", todos);

    await ann.emit("subscribe:query", { ...todos, query: { done: true } });
    expect(await stored("query#")).toMatchObject([{ filter: '{"done":true}' }]);

    await ann.emit("subscribe:query", { ...todos, collectionId: "notes" });
    expect(await stored("query#")).toMatchObject([{ pk: `query#${ann.org}#p1#notes` }]);
  });

  test("a socket may have at most 20", async () => {
    const { ann } = await people("ann");
    for (let index = 0; index < 20; index += 1)
      await ann.emit("subscribe:query", { ...todos, queryId: `q${index}` });

    expect(await ann.emit("subscribe:query", { ...todos, queryId: "q20" })).toMatchObject({
      error: { code: "limit_exceeded" },
    });
    expect(await ann.emit("subscribe:query", { ...todos, queryId: "q3" })).toMatchObject({
      id: "q3",
    });
    expect(await stored("query#")).toHaveLength(20);
  });

  test.each([
    ["$where", { $where: "1" }],
    ["$regex", { name: { $regex: "a" } }],
    ["$function", { $function: {} }],
    ["$expr", { $and: [{ $expr: {} }] }],
    ["an unknown operator", { a: { $near: 1 } }],
    ["six levels", { a: { b: { c: { d: { e: { f: 1 } } } } } }],
    ["51 conditions", Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`f${n}`, n]))],
    ["a list", [{ a: 1 }]],
    ["what sift cannot compile", { $or: [] }],
    ["the field __proto__ alone", JSON.parse('{ "__proto__": 1 }')],
    ["a list of 50 entries", { a: { $in: Array.from({ length: 50 }, (_, n) => n) } }],
    ["more than 4 KiB", { a: "x".repeat(4096) }],
  ])("a filter with %s is refused and not stored", async (_, query) => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:query", { ...todos, query })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^query/) },
    });
    expect(await stored("query#")).toEqual([]);
  });

  test("another project is forbidden", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("subscribe:query", { ...todos, projectId: "p2" })).toMatchObject({
      error: { code: "forbidden" },
    });
  });
});

describe("custom:event", () => {
  test("reaches the others in the project with sender and time, and not the sender", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await ann.emit("subscribe:project", "p1");
    await ben.emit("subscribe:project", "p1");

    expect(await ann.emit("custom:event", { projectId: "p1", x: [1, null] })).toEqual({ ok: true });

    expect(await ben.nextEvent("custom:event")).toEqual({
      projectId: "p1",
      x: [1, null],
      sender: "ann",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(await ann.receivesNothing()).toBe(true);
    expect(await eve.receivesNothing()).toBe(true);
  });

  test("does not require the sender to have subscribed", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("subscribe:project", "p1");

    await ann.emit("custom:event", { projectId: "p1" });

    expect(await ben.nextEvent("custom:event")).toMatchObject({ sender: "ann" });
  });

  test("a payload cannot forge sender or time", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("subscribe:project", "p1");

    await ann.emit("custom:event", { projectId: "p1", sender: "eve", timestamp: "then" });

    expect(await ben.nextEvent("custom:event")).toMatchObject({
      sender: "ann",
      timestamp: expect.stringMatching(/Z$/),
    });
  });

  test("another project is forbidden and receives nothing", async () => {
    const org = newOrg();
    const ann = await person({ org });
    const ben = await person({ org, sub: "ben", projects: ["p2"] });
    await ben.emit("subscribe:project", "p2");

    expect(await ann.emit("custom:event", { projectId: "p2" })).toMatchObject({
      error: { code: "forbidden" },
    });
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("without projectId it is refused", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("custom:event", { n: 1 })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^projectId: /) },
    });
  });
});

test("an unknown event is refused with its name", async () => {
  const { ann } = await people("ann");

  expect(await ann.emit("no:such:event")).toEqual({
    error: { code: "unknown_event", message: "there is no event no:such:event" },
  });
});
