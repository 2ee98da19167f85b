import { afterAll, describe, expect, inject, test } from "vitest";
import { presenceRoom } from "../../lambdas/mudbase/rooms.ts";
import { callKey, presenceKey } from "../../lambdas/mudbase/store/keys.ts";
import { connectionKey, slotKey } from "../../lambdas/server/store/keys.ts";
import { lobby, shopAt } from "../support/samples.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), UNLIMITED);
afterAll(() => world.stop());

const FOREVER = 9_999_999_999;
const inP1 = { projectId: "p1" };
let organisations = 0;
const newOrg = () => `org-${++organisations}`;
const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** Emits an event and resolves with its acknowledgement. */
async function ask(socket: string, event: string, payload?: object): Promise<object> {
  await world.send(socket, `421${JSON.stringify([event, payload])}`);
  const answer = world.framesOf(socket).findLast((frame) => frame.startsWith("431"));
  return JSON.parse(answer?.slice("431".length) ?? "[{}]")[0];
}

const eventsReceivedBy = (socket: string, event: string) =>
  world.framesOf(socket).filter((frame) => frame.startsWith(`42["${event}"`));

describe("connection slots of an organisation", () => {
  const living = (org: string, slot: number, holder = `${org}-${slot}`) => [
    { ...slotKey(org, slot), holder, sid: `s-${holder}-${slot}`, expiresAt: FOREVER },
    { ...connectionKey(holder), expiresAt: FOREVER },
  ];

  test("that are free are acquired, even the last of a thousand", async () => {
    const org = newOrg();
    await world.publish({ event: "limit:put", org, connections: 1000 });
    await world.fill(numbers(999).flatMap((slot) => living(org, slot)));

    const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];

    expect([ann, ben].map(world.isConnected)).toEqual([true, false]);
  });

  test("are acquired from a connection that is gone, even if another one holds two", async () => {
    const org = newOrg();
    await world.publish({ event: "limit:put", org, connections: 3 });
    await world.fill([
      ...living(org, 0, `${org}-twice`),
      { ...slotKey(org, 1), holder: `${org}-twice`, sid: `${org}-one`, expiresAt: FOREVER },
      { ...slotKey(org, 2), holder: "gone", sid: `${org}-gone`, expiresAt: FOREVER },
    ]);

    expect(world.isConnected(await world.connect("ann", org))).toBe(true);
  });
});

describe("calls of a chat", () => {
  const calls = (org: string, count: number) =>
    world.fill(
      numbers(count).map((n) => ({
        ...callKey({ org, ...lobby }, `caller-${n}`),
        ...{ type: "audio", participants: ["ann"], expiresAt: FOREVER - n },
      })),
    );
  const call = { ...lobby, type: "audio", participants: ["ben"] };

  test("are at most a hundred, even if each invites fifty people with the longest ids", async () => {
    const org = newOrg();
    const participants = numbers(50).map((n) => `${n}${"語".repeat(120)}`);
    await world.fill(
      numbers(100).map((n) => ({
        ...callKey({ org, ...lobby }, `caller-${n}`),
        ...{ type: "audio", participants, expiresAt: FOREVER },
      })),
    );
    const ann = await world.connect("ann", org);

    expect(await ask(ann, "call:initiate", call)).toMatchObject({
      error: { code: "limit_exceeded" },
    });
  });

  test("are at most a hundred; a caller with a call may call again", async () => {
    const org = newOrg();
    await calls(org, 99);
    const [ann, ben] = [await world.connect("ann", org), await world.connect("ben", org)];

    const answers = [
      await ask(ann, "call:initiate", call),
      await ask(ben, "call:initiate", { ...call, participants: ["ann"] }),
      await ask(ann, "call:initiate", call),
    ];

    const error = { code: "limit_exceeded", message: "the chat lobby may hold no more calls" };
    expect(answers).toEqual([{ ok: true }, { error }, { ok: true }]);
    expect(eventsReceivedBy(ben, "call:incoming")).toHaveLength(2);
    expect(eventsReceivedBy(ann, "call:incoming")).toEqual([]);
  });

  test("are ended ten at a time, the user's own first and then the newest", async () => {
    const org = newOrg();
    await calls(org, 30);
    const ann = await world.connect("ann", org);
    const [newest, oldest, ben] = [
      await world.connect("caller-0", org),
      await world.connect("caller-29", org),
      await world.connect("ben", org),
    ];
    await ask(ann, "call:initiate", call);

    await ask(ann, "call:end", { ...lobby, participants: [] });

    const received = [ben, newest, oldest].map(
      (socket) => eventsReceivedBy(socket, "call:ended").length,
    );
    expect(received).toEqual([1, 1, 0]);
    const left = (await world.items()).filter(({ pk }) => String(pk).startsWith(`call#${org}#`));
    expect(left).toHaveLength(21);
  });
});

describe("who is online", () => {
  const user = (org: string, userId: string, firstName: string) => ({
    ...presenceKey(org, presenceRoom("p1"), userId),
    ...{ sids: new Set(["one"]), lastSeen: 1, expiresAt: FOREVER },
    user: { id: userId, firstName },
  });

  test("is counted with up to four reads, and reported as a lower bound beyond", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    await world.fill(numbers(20).map((n) => user(org, `user-${n}`, "x")));
    const few = await ask(ann, "presence:get:online", { ...inP1, limit: 1 });
    await world.fill(numbers(1000).map((n) => user(org, `user-${n}`, "x".repeat(5000))));
    const many = await ask(ann, "presence:get:online", { ...inP1, limit: 1 });

    expect(few).toMatchObject({ count: 20, cursor: "user-0" });
    expect(few).not.toHaveProperty("countIsLowerBound");
    expect(many).toMatchObject({ countIsLowerBound: true, count: expect.any(Number) });
    expect((many as { count: number }).count).toBeGreaterThan(700);
    expect((many as { count: number }).count).toBeLessThan(1000);
  });

  test("is found after items that a crash has left, a page at a time", async () => {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    const leftovers = numbers(30).map((n) => ({
      ...presenceKey(org, presenceRoom("p1"), `a${n}`),
    }));
    await world.fill([...leftovers, user(org, "zoe", "Zoe")]);

    const found: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask(ann, "presence:get:online", { ...inP1, limit: 1, cursor });
      found.push(...(page as { users: object[] }).users);
      cursor = (page as { cursor?: string }).cursor;
    } while (cursor !== undefined);

    expect(found).toMatchObject([{ userId: "zoe" }]);
  });

  test("comes online in fifty projects of a token at once, and must name one if there are more", async () => {
    const org = newOrg();
    const projects = numbers(51).map((n) => `p${n}`);
    const ann = await world.connect("ann", org, { projects });
    const ben = await world.connect("ben", org, { projects: projects.slice(1) });

    expect(await ask(ann, "presence:online")).toEqual({
      error: {
        code: "limit_exceeded",
        message:
          "projectId: is required, because your token grants 51 projects, more than the 50 of one event",
      },
    });
    expect(await ask(ann, "presence:online", { projectId: "p50" })).toEqual({ ok: true });
    expect(await ask(ben, "presence:online")).toEqual({ ok: true });
  });
});

test("the integrations of a project are listed a page at a time", async () => {
  const org = newOrg();
  const headers = Object.fromEntries(numbers(60).map((n) => [`x-${n}`, "x".repeat(4000)]));
  for (const n of numbers(6)) {
    const integration = {
      ...shopAt("https://shop.example"),
      integrationId: `shop-${n}`,
      endpoints: { list: { method: "GET", path: "/", headers } },
    };
    await world.publish({ event: "integration:put", org, integration });
  }

  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await world.publish({ event: "integration:list", org, ...inP1, cursor });
    const { integrations } = page as { integrations: { integrationId: string }[] };
    pages.push(integrations.map(({ integrationId }) => integrationId));
    cursor = (page as { cursor?: string }).cursor;
  } while (cursor !== undefined);

  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flat()).toEqual(numbers(6).map((n) => `shop-${n}`));
});

test("a session is revoked for all its sockets, and the users of the first hundred are notified", async () => {
  const org = newOrg();
  const sockets: string[] = [];
  for (const n of numbers(102)) sockets.push(await world.connect(`user-${n}`, org, { sid: "s" }));

  await world.publish({ event: "revoke", org, target: { sid: "s" } });

  expect(sockets.some(world.isConnected)).toBe(false);
  expect(
    sockets.filter((socket) => eventsReceivedBy(socket, "session:expired").length > 0),
  ).toHaveLength(100);
});
