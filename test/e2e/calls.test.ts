import { afterAll, describe, expect, test, vi } from "vitest";
import type { ServiceCall } from "../../local/services.ts";
import { newOrg, type Person, person } from "../support/people.ts";
import { type Cost, documentedCosts } from "../support/performance.ts";
import { publish } from "../support/publishing.ts";
import { isShuffled, settled, stack } from "../support/running.ts";
import { lobby, SAMPLES, shop } from "../support/samples.ts";
import { upstream } from "../support/upstream.ts";

const ROOM = 10;
const documented = documentedCosts();
const measured = new Set<string>();

const READS = new Set(["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]);
const WRITES = new Set(
  ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"].map((action) => `dynamodb:${action}`),
);

const inP1 = { projectId: "p1" };
const todos = { ...inP1, collectionId: "todos" };
const hello = { ...lobby, type: "text", content: "hello" };
const milk = { _id: "d1", done: false };

const backEnd = await upstream((_, response) => {
  response.setHeader("content-type", "application/json").end("{}");
});
afterAll(() => backEnd.stop());

const integration = {
  ...shop,
  name: "Shop",
  baseUrl: backEnd.url,
  endpoints: { list: { method: "GET", path: "/" } },
};

function costOf(calls: readonly ServiceCall[]): Cost {
  const count = (actions: ReadonlySet<string>) =>
    calls.filter(({ action }) => actions.has(action)).length;
  return {
    reads: count(READS),
    writes: count(WRITES),
    posts: count(new Set(["execute-api:POST"])),
  };
}

/** Ten sockets in every room that an event may address; the first is the caller's, the last is ben's. */
async function room(): Promise<readonly [Person, ...Person[]]> {
  const org = newOrg();
  await publish({ event: "integration:put", org, integration });
  const [ann, ...others] = await Promise.all(
    Array.from({ length: ROOM }, (_, n) =>
      person({ org, sub: n < ROOM - 1 ? `user-${n}` : "ben" }),
    ),
  );
  await Promise.all(
    [ann, ...others].map(async (someone) => {
      await someone?.emit("subscribe:project", "p1");
      await someone?.emit("custom:join", { room: "lobby" });
      await someone?.emit("chat:join", lobby);
      await someone?.emit("integration:join", shop);
    }),
  );
  if (ann === undefined) throw new Error("a room has at least one socket");
  return [ann, ...others];
}

/** What must be there before an event can do anything; gives what its payload must name of it. */
async function prepare(event: string, ann: Person, ben: Person): Promise<object> {
  if (event === "presence:offline") await ann.emit("presence:online", inP1);
  const call = { ...lobby, type: "audio", participants: ["user-0"] };
  if (event.startsWith("call:")) await ben.emit("call:initiate", call);
  if (!event.startsWith("message") || event === "message:send") return {};
  const sent = await Promise.all([1, 2, 3].map(() => ann.emit("message:send", hello)));
  const messageIds = sent.map((answer) => (answer as { readonly messageId: string }).messageId);
  return event === "messages:mark:read" ? { messageIds } : { messageId: messageIds[0] };
}

/** What one event costs in a warm function; its acknowledgement, one post, is left out. */
async function measure(caller: Person, event: string, args: readonly unknown[]): Promise<Cost> {
  await caller.emit("presence:update");
  await settled();
  stack.takeCalls();
  await caller.emit(event, ...args);
  await settled();
  const cost = costOf(stack.takeCalls());
  return { ...cost, posts: cost.posts - 1 };
}

// Frames that overtake one another may cost a call more.
describe.skipIf(isShuffled)("in a room of ten", () => {
  test.each(SAMPLES)("$event costs what docs/performance.md says", async ({ event, payload }) => {
    const [ann, ...others] = await room();
    // A call from ben rings at the caller, who is user-0.
    const named = await prepare(event, ann, others.at(-1) ?? ann);
    const args = payload === undefined ? [] : [{ ...payload, ...named }];

    expect(await measure(ann, event, args)).toEqual(documented.get(event));
    measured.add(event);
  });

  test.each([
    ["db:create", { ...todos, data: milk }],
    ["emit", { to: [{ kind: "project", projectId: "p1" }], name: "news" }],
  ])("%s costs what docs/performance.md says", async (event, entry) => {
    const [{ org }] = await room();
    await settled();
    stack.takeCalls();

    await publish({ event, org, ...entry });
    await settled();

    expect(costOf(stack.takeCalls())).toEqual(documented.get(event));
    measured.add(event);
  });

  test("connecting and disconnecting cost what docs/performance.md says", async () => {
    const org = newOrg();
    await person({ org });
    await settled();
    stack.takeCalls();

    const ben = await person({ org, sub: "ben" });
    await settled();
    expect(costOf(stack.takeCalls())).toEqual(documented.get("connect"));
    measured.add("connect");

    await ben.emit("subscribe:project", "p1");
    await settled();
    stack.takeCalls();
    ben.socket.io.engine.close();
    await vi.waitUntil(() => stack.gateway.connectionIds().length === 1);
    await settled();
    expect(costOf(stack.takeCalls())).toEqual(documented.get("disconnect"));
    measured.add("disconnect");
  });

  afterAll(() => {
    expect([...documented.keys()].toSorted()).toEqual([...measured].toSorted());
  });
});
