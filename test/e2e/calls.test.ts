import { afterAll, expect, test } from "vitest";
import { REREAD } from "../../lambdas/server/model/limits.ts";
import type { ServiceCall } from "../../local/services.ts";
import { BY_WEBSOCKET, newOrg, type Person, person, tokenFor } from "../support/people.ts";
import { type Cost, documentedCostsWithRecovery } from "../support/performance.ts";
import { publish } from "../support/publishing.ts";
import { rawClient } from "../support/raw.ts";
import { settled, stack } from "../support/running.ts";
import { lobby, SAMPLES, shop, shopAt } from "../support/samples.ts";
import { until } from "../support/until.ts";
import { emptyUpstream } from "../support/upstream.ts";
import { connectAlone } from "../support/websocket.ts";

const ROOM = 10;

const READS = new Set(["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]);
const WRITES = new Set(
  ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"].map((action) => `dynamodb:${action}`),
);

const inP1 = { projectId: "p1" };
const todos = { ...inP1, collectionId: "todos" };
const hello = { ...lobby, type: "text", content: "hello" };
const milk = { _id: "d1", done: true };

const backEnd = await emptyUpstream();
afterAll(() => backEnd.stop());

function costOf(calls: readonly ServiceCall[]): Cost {
  const count = (actions: ReadonlySet<string>) =>
    // How often OPEN is posted too early is random; rate limits are flushed in batches.
    calls.filter(
      ({ action, isGone, partition = "" }) =>
        actions.has(action) && !isGone && !partition.startsWith("rate#"),
    ).length;
  return {
    reads: count(READS),
    writes: count(WRITES),
    posts: count(new Set(["execute-api:POST"])),
  };
}

/** Ten sockets in every room that an event may address; the first is the caller's, the last is ben's. */
async function room(): Promise<readonly [Person, ...Person[]]> {
  const org = newOrg();
  await publish({ event: "integration:put", org, integration: shopAt(backEnd.url) });
  const [ann, ...others] = await Promise.all(
    Array.from({ length: ROOM }, (_, n) =>
      person({ org, sub: n < ROOM - 1 ? `user-${n}` : "ben" }, BY_WEBSOCKET),
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

/** Prepares what an event needs; returns the ids that its payload must contain. */
async function prepare(event: string, ann: Person, ben: Person): Promise<object> {
  if (event === "presence:offline") await ann.emit("presence:online", inP1);
  const call = { ...lobby, type: "audio", participants: ["user-0"] };
  if (event.startsWith("call:")) await ben.emit("call:initiate", call);
  if (!event.startsWith("message") || event === "message:send") return {};
  const sent = await Promise.all([1, 2, 3].map(() => ann.emit("message:send", hello)));
  const messageIds = sent.map((answer) => (answer as { readonly messageId: string }).messageId);
  return event === "messages:mark:read" ? { messageIds } : { messageId: messageIds[0] };
}

/** When the first connection of this file began. */
const begunAt = performance.now();

const readsConnection = ({ action, partition = "" }: ServiceCall): boolean =>
  action === "dynamodb:GetItem" && partition.startsWith("conn#");

/**
 * The calls without the read of what one of the functions has remembered for so long that it reads it again, whatever
 * the event: none has in the first seconds, where a read too many of every event would be seen.
 */
function withoutReread(calls: readonly ServiceCall[]) {
  const again = performance.now() - begunAt >= REREAD ? calls.findIndex(readsConnection) : -1;
  return calls.filter((_, index) => index !== again);
}

/** The AWS calls of one event in a warm function, without the post of its acknowledgement. */
async function measure(caller: Person, event: string, payload: unknown): Promise<Cost> {
  await caller.emit("presence:update");
  await settled();
  stack.takeCalls();
  await caller.emit(event, payload);
  await settled();
  const cost = costOf(withoutReread(stack.takeCalls()));
  return { ...cost, posts: cost.posts - 1 };
}

/** Restores the caller's rooms and presence after an event that changed them. */
async function restore(ann: Person): Promise<void> {
  await ann.emit("presence:offline");
  await ann.emit("subscribe:project", "p1");
  await ann.emit("chat:join", lobby);
  await ann.emit("integration:join", shop);
}

// With reordered frames an event may cost one call more.
test("everything costs what docs/performance.md says", async () => {
  const [ann, ...others] = await room();
  const ben = others.at(-1) ?? ann;
  const measured: Record<string, Cost> = {};

  for (const { event, payload } of SAMPLES) {
    const named = await prepare(event, ann, ben);
    measured[event] = await measure(ann, event, payload && { ...payload, ...named });
    await restore(ann);
  }
  for (const [event, entry] of Object.entries(PUBLISHED)) {
    await settled();
    stack.takeCalls();
    await publish({ event, org: ann.org, ...entry });
    await settled();
    measured[event] = costOf(stack.takeCalls());
  }
  Object.assign(measured, await connectionCosts(ann.org));

  expect(measured).toEqual(Object.fromEntries(documentedCostsWithRecovery()));
});

const PUBLISHED = {
  "db:create": { ...todos, data: milk },
  emit: { to: [{ kind: "project", projectId: "p1" }], name: "news" },
};

async function connectionCosts(org: string): Promise<Record<"connect" | "disconnect", Cost>> {
  await settled();
  const before = stack.gateway.connectionIds().length;
  stack.takeCalls();
  const raw = await rawClient();
  await connectAlone(raw, await tokenFor({ org, sub: "eve" }), settled);
  await settled();
  const connect = costOf(stack.takeCalls());
  raw.close(1000, "");

  const eve = await person({ org, sub: "eve" }, BY_WEBSOCKET);
  await eve.emit("subscribe:project", "p1");
  await settled();
  stack.takeCalls();
  eve.socket.io.engine.close();
  await until(() => stack.gateway.connectionIds().length === before);
  await settled();
  return { connect, disconnect: costOf(stack.takeCalls()) };
}
