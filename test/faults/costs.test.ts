import { afterAll, expect, inject, test } from "vitest";
import { presenceRoom } from "../../lambdas/mudbase/rooms.ts";
import { callKey, messageKey, presenceKey } from "../../lambdas/mudbase/store/keys.ts";
import { LATEST_WRITE } from "../../lambdas/server/model/limits.ts";
import { connectionKey, slotKey } from "../../lambdas/server/store/keys.ts";
import { type Cost, documentedBounds } from "../support/performance.ts";
import { lobby, SAMPLES, shop, shopAt } from "../support/samples.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), {
  ...UNLIMITED,
  // The column "Recovery" has what that adds.
  connectionStateRecovery: 0,
});
afterAll(() => world.stop());

const FOREVER = 9_999_999_999;
const PROJECTS = Array.from({ length: 200 }, (_, n) => `p${n + 1}`);
/** As many projects as rooms of one kind fit into a socket, which has two others from the start. */
const FILLING = PROJECTS.slice(0, 198);
const FIFTY = ["ben", ...Array.from({ length: 49 }, (_, n) => `user-${n + 1}`)];
const HUNDRED = Array.from({ length: 100 }, (_, n) => `user-${n + 1}`);
const inP1 = { projectId: "p1" };
const hall = { chatId: "hall" };
const call = { type: "audio", participants: FIFTY };

/** The highest measured cost of each event. */
const highest = new Map<string, Cost>();

let organisations = 0;
const newOrg = () => `org-${++organisations}`;

const emit = (socket: string, event: string, payload?: object) => {
  world.pass(1);
  return world.send(socket, `42${JSON.stringify([event, payload])}`);
};

function record(event: string, cost: Cost): void {
  const { reads, writes, posts } = highest.get(event) ?? { reads: 0, writes: 0, posts: 0 };
  highest.set(event, {
    reads: Math.max(reads, cost.reads),
    writes: Math.max(writes, cost.writes),
    posts: Math.max(posts, cost.posts),
  });
}

const measure = async (socket: string, event: string, payload?: object) =>
  record(event, await world.costOf(() => emit(socket, event, payload)));

/** Ten sockets in every room of the samples; the first is ann's, whose token has these claims. */
async function room(claims: object): Promise<{ org: string; ann: string; ben: string }> {
  const org = newOrg();
  const integration = { ...shopAt("https://shop.example"), rateLimit: { perMinute: 9 } };
  await world.publish({ event: "integration:put", org, integration });
  const ann = await world.connect("ann", org, claims);
  const others = await Promise.all(FIFTY.slice(0, 9).map((userId) => world.connect(userId, org)));
  for (const socket of [ann, ...others]) {
    await emit(socket, "subscribe:project", inP1);
    await emit(socket, "custom:join", { room: "lobby" });
    await emit(socket, "chat:join", lobby);
    await emit(socket, "integration:join", shop);
  }
  return { org, ann, ben: others[0] ?? ann };
}

/** A hundred messages in the lobby, followed by ten thousand removed ones. */
async function writeMessages(org: string, ann: string): Promise<readonly string[]> {
  const said = { ...lobby, type: "text", content: "hello" };
  for (let n = 0; n <= 100; n += 1) await emit(ann, "message:send", said);
  const ids = world.framesOf(ann).flatMap((frame) => /"messageId":"(\w+)"/.exec(frame)?.[1] ?? []);
  await world.fill(
    Array.from({ length: 10_000 }, (_, n) => {
      const id = `Z${String(n).padStart(25, "0")}`;
      return { ...messageKey({ org, ...lobby }, id), id, sender: "ann", removedAt: 1 };
    }),
  );
  return ids;
}

/** A thousand calls to ann and 49 others in the lobby; one of them is by ben. */
const ringAnn = (org: string) =>
  world.fill(
    Array.from({ length: 1000 }, (_, n) => ({
      ...callKey({ org, ...lobby }, n === 0 ? "ben" : `caller-${n}`),
      type: "audio",
      // The participants of ben's call have sockets.
      participants: [
        "ann",
        ...FIFTY.slice(1).map((userId) => (n === 0 ? userId : `${userId}-${n}`)),
      ],
      expiresAt: FOREVER - n,
    })),
  );

/** A thousand users, of whom one Query reads two hundred, after eight incomplete items left by a crash. */
const bringOnline = (org: string) =>
  world.fill([
    ...Array.from({ length: 8 }, (_, n) => ({
      ...presenceKey(org, presenceRoom("p1"), `a${n}`),
      expiresAt: FOREVER,
    })),
    ...Array.from({ length: 1000 }, (_, n) => ({
      ...presenceKey(org, presenceRoom("p1"), `user-${n}`),
      ...{ sids: new Set(["none"]), lastSeen: 1, expiresAt: FOREVER },
      user: { id: `user-${n}`, firstName: "x".repeat(5000) },
    })),
  ]);

/** An organisation with a limit of 2,000 connections, all of them in use. */
async function fillSlots(org: string): Promise<void> {
  await world.publish({ event: "limit:put", org, connections: 2000 });
  await world.fill(
    Array.from({ length: 2000 }, (_, n) => [
      { ...slotKey(org, n), holder: `${org}-${n}`, sid: `${org}-s${n}`, expiresAt: FOREVER },
      { ...connectionKey(`${org}-${n}`), expiresAt: FOREVER },
    ]).flat(),
  );
}

/** Joins the maximum number of rooms. */
async function fillRooms(socket: string): Promise<void> {
  for (let n = 0; n < 50; n += 1)
    await emit(socket, "wallet:subscribe:address", { addressId: `full-${n}` });
  for (let n = 0; n < 150; n += 1) await emit(socket, "custom:join", { room: `full-${n}` });
}

/** Measures the samples, and their largest payloads, with many stored items. */
async function measureSamples(): Promise<void> {
  const { org, ann } = await room({ projects: PROJECTS });
  const messageIds = await writeMessages(org, ann);
  await ringAnn(org);
  await bringOnline(org);
  await emit(ann, "chat:join", { ...inP1, ...hall });
  const largest: Record<string, object> = {
    "presence:get:online": { limit: 1 },
    "custom:file:share": { recipients: HUNDRED },
    "message:send": { mentions: FIFTY, clientMessageId: "c1" },
    "messages:mark:read": { messageIds: messageIds.slice(1) },
    "messages:history": { limit: 1 },
    "call:initiate": { ...hall, ...call, projectId: undefined },
  };
  for (const { event, payload } of SAMPLES) {
    const named = event.startsWith("message:") ? { messageId: messageIds[0] } : {};
    const isOfToken = /^(chat:(leave|typing)|call:|integration:(leave|webhook:un))/.test(event);
    const without = isOfToken ? { projectId: undefined } : {};
    const sent = payload && { ...payload, ...without, ...named };
    // Twice: with the largest payload, and so that a reaction is removed again.
    await measure(ann, event, sent);
    if (event in largest || event === "message:react")
      await measure(ann, event, { ...sent, ...largest[event] });
    if (event.endsWith(":leave")) await emit(ann, event.replace("leave", "join"), payload);
    if (event === "auth:logout") await emit(ann, "auth:login", payload);
  }
  await measure(ann, "message:send", {
    ...{ ...inP1, chatId: "new", type: "text", content: "x" },
    ...{ mentions: FIFTY, clientMessageId: "c1" },
  });
  await measure(ann, "chat:join", { ...inP1, chatId: "newer" });
}

/** Measures joins of sockets with the maximum number of rooms, already joined or not. */
async function measureFullSockets(): Promise<void> {
  const joins = SAMPLES.filter(({ event }) => /(^|:)(subscribe|join|login)/.test(event));
  const { ann: insider } = await room({});
  for (const { event, payload } of joins) await emit(insider, event, payload);
  await fillRooms(insider);
  for (const { event, payload } of joins) await measure(insider, event, payload);
  const { org } = await room({});
  const outsider = await world.connect("outsider", org);
  await fillRooms(outsider);
  for (const { event, payload } of joins) await measure(outsider, event, payload);
  const query = { ...inP1, collectionId: "todos" };
  for (let n = 1; n < 20; n += 1)
    await emit(outsider, "subscribe:query", { ...query, queryId: `query-${n}` });
  await measure(outsider, "subscribe:query", { ...query, queryId: "one too many" });
  await measure(outsider, "subscribe:query", { ...query, queryId: "q1", collectionId: "others" });
}

/** Measures events of a socket that is online, or in a chat, in the maximum number of projects. */
async function measureManyProjects(): Promise<void> {
  const fifty = await room({ projects: PROJECTS.slice(0, 50) });
  await measure(fifty.ann, "presence:online");
  const org = newOrg();
  const claims = { projects: FILLING };
  const [tab, second] = [
    await world.connect("ann", org, claims),
    await world.connect("ann", org, claims),
  ];
  const online = async (socket: string) => {
    for (const projectId of FILLING) await emit(socket, "presence:online", { projectId });
  };
  await online(tab);
  await measure(tab, "presence:update");
  await measure(tab, "presence:offline");
  await online(tab);
  await online(second);
  await measure(tab, "presence:offline");
  await online(tab);
  record("disconnect", await world.costOf(() => world.disconnect(tab)));
  record("disconnect", await world.costOf(() => world.disconnect(second)));

  const everywhere = await world.connect("eve", org, claims);
  for (const projectId of FILLING) await emit(everywhere, "chat:join", { ...lobby, projectId });
  await measure(everywhere, "chat:leave", { chatId: lobby.chatId });
  world.pass(2 * LATEST_WRITE);
  for (const projectId of FILLING) {
    const integration = { ...shopAt("https://shop.example"), projectId };
    await world.publish({ event: "integration:put", org, integration });
    await emit(everywhere, "integration:join", { ...shop, projectId });
  }
  const { integrationId } = shop;
  await measure(everywhere, "integration:leave", { integrationId });
  world.pass(2 * LATEST_WRITE);
  for (const projectId of FILLING)
    await emit(everywhere, "integration:webhook:subscribe", { integrationId, projectId });
  await measure(everywhere, "integration:webhook:unsubscribe", { integrationId });
}

async function measurePublished(): Promise<void> {
  const { org } = await room({});
  const many = (kind: string) => HUNDRED.map((id) => ({ kind, userId: id, room: id }));
  const lists = { to: [{ kind: "project", ...inP1 }, ...many("user").slice(1)] };
  const published = [
    { event: "db:create", ...inP1, collectionId: "todos", data: { _id: "d1" } },
    { event: "emit", ...lists, except: many("custom"), name: "news" },
  ];
  for (const entry of published)
    record(
      entry.event,
      await world.costOf(() => world.publish({ org, id: entry.event, ...entry })),
    );
}

async function measureConnecting(): Promise<void> {
  const org = newOrg();
  await fillSlots(org);
  record("connect", await world.costOf(() => world.connect("ann", org)));
}

/** Costs that only occur with concurrent events of others, or outside this process. */
const UNREACHED: Readonly<Record<string, string>> = {
  connect: "OPEN is posted by another invocation; others may acquire the free slots first",
  disconnect:
    "the last socket may have gone in between, in each project; attachments may be stored",
  "presence:offline": "the last socket may have gone in between, in each project",
  "message:react": "the same user may toggle it elsewhere, ten times",
  "messages:mark:read": "messages of 400 KB come in several batches",
};

/** How much a documented bound may exceed the measured cost. */
const SLACK = 2;

test("no event costs more than docs/performance.md says, whatever is stored, or much less", async () => {
  await measureSamples();
  await measureFullSockets();
  await measureManyProjects();
  await measurePublished();
  await measureConnecting();

  const bounds = documentedBounds();
  expect([...bounds.keys()].toSorted()).toEqual([...highest.keys()].toSorted());
  const measured = [...bounds].flatMap(([event, bound]) =>
    (["reads", "writes", "posts"] as const).map((kind) => {
      const max = highest.get(event)?.[kind] ?? 0;
      return { event, kind, max, bound: bound[kind] };
    }),
  );
  expect(measured.filter(({ max, bound }) => max > bound)).toEqual([]);
  expect(
    measured.filter(
      ({ event, max, bound }) => UNREACHED[event] === undefined && max + SLACK < bound,
    ),
  ).toEqual([]);
}, 240_000);
