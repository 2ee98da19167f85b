import { describe, expect, test } from "vitest";
import { endLost, kill } from "../support/lost.ts";
import { expectNoEvents, isoTime, newOrg, type Person, people, person } from "../support/people.ts";
import { connectionItems, settled } from "../support/running.ts";

const profile = { email: "ann@example.org", firstName: "Ann", lastName: "Alm" };
const online = async (asker: Person, page = {}) =>
  (await asker.emit("presence:get:online", { projectId: "p1", ...page })) as {
    readonly users: readonly { readonly userId: string; readonly lastSeen: string }[];
    readonly count: number;
    readonly cursor?: string;
  };

describe("presence:online", () => {
  test("notifies subscribers of the project and users online in it, with the user's profile", async () => {
    const org = newOrg();
    const ann = await person({ org, ...profile });
    const ben = await person({ org, sub: "ben" });
    const eve = await person({ org, sub: "eve" });
    const dan = await person({ org, sub: "dan" });
    await ben.emit("subscribe:project", "p1");
    await eve.emit("presence:online", { projectId: "p1" });
    await ben.nextEvent("presence:user:online");

    expect(await ann.emit("presence:online", { projectId: "p1" })).toEqual({ ok: true });

    const news = { userId: "ann", user: { id: "ann", ...profile }, timestamp: isoTime };
    expect(await ben.nextEvent("presence:user:online")).toEqual(news);
    expect(await eve.nextEvent("presence:user:online")).toEqual(news);
    for (const other of [ann, ben, eve, dan]) expect(await other.receivesNothing()).toBe(true);
  });

  test.each([
    ["no argument", []],
    ["null", [null]],
    ["an empty object", [{}]],
  ])("%s means every project of the token", async (_, args) => {
    const org = newOrg();
    const ann = await person({ org, projects: ["p1", "p2"] });
    const ben = await person({ org, sub: "ben" });
    const eve = await person({ org, sub: "eve", projects: ["p2"] });
    await ben.emit("presence:online");
    await eve.emit("subscribe:project", "p2");

    await ann.emit("presence:online", ...args);

    expect(await ben.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
    expect(await eve.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("with a token for all projects notifies the whole organisation", async () => {
    const org = newOrg();
    const ann = await person({ org, projects: "*" });
    const ben = await person({ org, sub: "ben" });

    await ann.emit("presence:online");

    expect(await ben.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
  });

  test("only a user's first socket in a project sends an event", async () => {
    const org = newOrg();
    const tabs = [await person({ org }), await person({ org })];
    const ben = await person({ org, sub: "ben" });
    await ben.emit("presence:online");

    await tabs[0]?.emit("presence:online");
    expect(await ben.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
    await tabs[0]?.emit("presence:online");
    await tabs[1]?.emit("presence:online");

    expect(await ben.receivesNothing()).toBe(true);
  });

  test("of many sockets that come online at once exactly one is the first", async () => {
    const org = newOrg();
    const ben = await person({ org, sub: "ben" });
    await ben.emit("presence:online");
    const tabs = await Promise.all(Array.from({ length: 8 }, () => person({ org })));

    await Promise.all(tabs.map((tab) => tab.emit("presence:online", { projectId: "p1" })));

    expect(await ben.nextEvent("presence:user:online")).toMatchObject({ userId: "ann" });
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("of a token without projects is acknowledged, and nobody is notified", async () => {
    const { ben } = await people("ben");
    const nowhere = await person({ org: ben.org, sub: "eve", projects: [] });

    expect(await nowhere.emit("presence:online")).toEqual({ ok: true });
    await expectNoEvents(ben, nowhere);
  });

  test("a project that is not granted is forbidden", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("presence:online", { projectId: "p2" })).toMatchObject({
      error: { code: "forbidden" },
    });
    expect(await online(ann)).toMatchObject({ users: [], count: 0 });
  });

  test("an invalid projectId is refused by its path", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("presence:online", { projectId: 7 })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^projectId: /) },
    });
  });
});

describe("presence:offline", () => {
  test("notifies the same rooms once the user's last socket goes offline", async () => {
    const org = newOrg();
    const tabs = [await person({ org }), await person({ org })] as const;
    const ben = await person({ org, sub: "ben" });
    await ben.emit("presence:online");
    for (const tab of tabs) await tab.emit("presence:online");
    await ben.nextEvent("presence:user:online");

    expect(await tabs[0].emit("presence:offline")).toEqual({ ok: true });
    expect(await ben.receivesNothing()).toBe(true);
    await tabs[1].emit("presence:offline");

    expect(await ben.nextEvent("presence:user:offline")).toEqual({
      userId: "ann",
      timestamp: isoTime,
    });
    expect(await online(ben)).toMatchObject({ users: [{ userId: "ben" }], count: 1 });
  });

  test("of a user who was not online sends no event", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");

    expect(await ann.emit("presence:offline", null)).toEqual({ ok: true });

    expect(await ben.receivesNothing()).toBe(true);
  });

  test("a clean disconnect counts as one", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ben.nextEvent("presence:user:online");

    ann.socket.disconnect();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    expect(await ben.receivesNothing()).toBe(true);
  });

  test("two tabs closed at once send one event", async () => {
    const org = newOrg();
    const tabs = [await person({ org }), await person({ org })] as const;
    const ben = await person({ org, sub: "ben" });
    await ben.emit("presence:online");
    for (const tab of tabs) await tab.emit("presence:online");
    await ben.nextEvent("presence:user:online");

    for (const tab of tabs) tab.socket.disconnect();

    expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
    expect(await ben.receivesNothing()).toBe(true);
  });
});

describe("presence:update", () => {
  test("updates lastSeen and notifies nobody", async () => {
    const { ann, ben } = await people("ann", "ben");
    await ben.emit("presence:online");
    await ann.emit("presence:online");
    await ben.nextEvent("presence:user:online");
    const before = (await online(ben)).users.find(({ userId }) => userId === "ann")?.lastSeen ?? "";

    expect(await ann.emit("presence:update", {})).toEqual({ ok: true });

    const after = (await online(ben)).users.find(({ userId }) => userId === "ann")?.lastSeen ?? "";
    expect(after > before).toBe(true);
    await ben.nextEvent("presence:online:list");
    await ben.nextEvent("presence:online:list");
    expect(await ben.receivesNothing()).toBe(true);
  });
});

describe("presence:get:online", () => {
  test("lists the users of the project, each once, with their profile", async () => {
    const org = newOrg();
    const tabs = [await person({ org, ...profile }), await person({ org, ...profile })] as const;
    for (const tab of tabs) await tab.emit("presence:online");
    const list = {
      projectId: "p1",
      users: [{ userId: "ann", user: { id: "ann", ...profile }, lastSeen: isoTime }],
      count: 1,
    };

    expect(await tabs[0].emit("presence:get:online", { projectId: "p1" })).toEqual(list);
    expect(await tabs[0].nextEvent("presence:online:list")).toEqual(list);
  });

  test("continues from a cursor, and count is of all pages", async () => {
    const all = await people("ann", "ben", "cay", "dan", "eve");
    for (const someone of Object.values(all)) await someone.emit("presence:online");

    const first = await online(all.ann, { limit: 2 });
    const second = await online(all.ann, { limit: 2, cursor: first.cursor });
    const third = await online(all.ann, { limit: 2, cursor: second.cursor });

    const pages = [first, second, third];
    expect(pages.map(({ users }) => users.map(({ userId }) => userId))).toEqual([
      ["ann", "ben"],
      ["cay", "dan"],
      ["eve"],
    ]);
    expect(pages.map(({ count }) => count)).toEqual([5, 5, 5]);
    expect(third.cursor).toBeUndefined();
  });

  test.each([[0], [501], [1.5], ["2"]])("a limit of %s is refused", async (limit) => {
    const { ann } = await people("ann");

    expect(await ann.emit("presence:get:online", { projectId: "p1", limit })).toMatchObject({
      error: { code: "invalid_payload", message: expect.stringMatching(/^limit: /) },
    });
  });

  test("another project is forbidden", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("presence:get:online", { projectId: "p2" })).toMatchObject({
      error: { code: "forbidden" },
    });
  });
});

test("a client killed without a close leaves no items, and its user goes offline", async () => {
  const { ann, ben } = await people("ann", "ben");
  await ben.emit("presence:online");
  await ann.emit("presence:online");
  await ann.emit("subscribe:query", { projectId: "p1", collectionId: "todos", queryId: "q" });
  await ben.nextEvent("presence:user:online");
  const [killed] = await connectionIdsOf("ann");

  await kill(ann.socket, killed ?? "");
  // Nothing tells of it: the next packet to the dead connection detects it.
  await ben.emit("custom:message", { targetUserId: "ann", message: "are you there?" });
  await settled();
  await endLost();

  expect(await ben.nextEvent("presence:user:offline")).toMatchObject({ userId: "ann" });
  expect(await connectionIdsOf("ann")).toEqual([]);
  const left = (await connectionItems()).filter((item) =>
    JSON.stringify(item).includes(killed ?? ""),
  );
  expect(left).toEqual([]);
});

async function connectionIdsOf(user: string): Promise<string[]> {
  return (await connectionItems()).flatMap(({ session, connectionId }) =>
    (session as { userId: string } | undefined)?.userId === user ? [String(connectionId)] : [],
  );
}
