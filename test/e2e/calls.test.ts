import { afterAll, describe, expect, test, vi } from "vitest";
import type { ServiceCall } from "../../local/services.ts";
import { newOrg, type Person, person } from "../support/people.ts";
import { type Cost, documentedCosts } from "../support/performance.ts";
import { isShuffled, settled, stack } from "../support/running.ts";

const ROOM = 10;
const documented = documentedCosts();
const measured = new Set<string>();

const READS = new Set(["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]);
const WRITES = new Set(
  ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"].map((action) => `dynamodb:${action}`),
);

function costOf(calls: readonly ServiceCall[]): Cost {
  const count = (actions: ReadonlySet<string>) =>
    calls.filter(({ action }) => actions.has(action)).length;
  return {
    reads: count(READS),
    writes: count(WRITES),
    posts: count(new Set(["execute-api:POST"])),
  };
}

/** Ten sockets in every room that an event may address; the first is the caller's. */
async function room(): Promise<readonly [Person, ...Person[]]> {
  const org = newOrg();
  const [ann, ...others] = await Promise.all(
    Array.from({ length: ROOM }, (_, n) =>
      person({ org, sub: n < ROOM - 1 ? `user-${n}` : "ben" }),
    ),
  );
  for (const someone of [ann, ...others]) {
    await someone?.emit("subscribe:project", "p1");
    await someone?.emit("custom:join", { room: "lobby" });
  }
  if (ann === undefined) throw new Error("a room has at least one socket");
  return [ann, ...others];
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

const inP1 = { projectId: "p1" };
const todos = { ...inP1, collectionId: "todos" };

// Frames that overtake one another may cost a call more.
describe.skipIf(isShuffled)("in a room of ten", () => {
  test.each<[string, ...unknown[]]>([
    ["subscribe:project", "p1"],
    ["subscribe:collection", todos],
    ["unsubscribe:collection", todos],
    ["subscribe:document", { ...todos, documentId: "d1" }],
    ["subscribe:query", { ...todos, queryId: "q1", query: { done: false } }],
    ["custom:event", { ...inP1, text: "hello" }],
    ["presence:online", inP1],
    ["presence:offline"],
    ["presence:update"],
    ["presence:get:online", inP1],
    ["custom:broadcast", { ...inP1, event: "moved", payload: { x: 1 } }],
    ["custom:join", { room: "garden" }],
    ["custom:leave", { room: "garden" }],
    ["custom:message", { targetUserId: "ben", message: "hello" }],
    ["custom:presence", { ...inP1, status: "busy" }],
    ["custom:typing", { ...inP1, isTyping: true }],
    ["custom:file:share", { ...inP1, fileId: "f1", fileName: "plan.pdf" }],
  ])("%s costs what docs/performance.md says", async (event, ...args) => {
    const [ann] = await room();
    if (event === "presence:offline") await ann.emit("presence:online", inP1);

    expect(await measure(ann, event, args)).toEqual(documented.get(event));
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
