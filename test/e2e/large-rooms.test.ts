import { afterAll, expect, test } from "vitest";
import { ARE_POLLING, client, connected, newOrg, tokenFor } from "../support/people.ts";
import { startWithLimits } from "../support/running.ts";
import { shop, shopAt } from "../support/samples.ts";
import { until } from "../support/until.ts";
import { emptyUpstream } from "../support/upstream.ts";

/** Each that polls has an environment of the polling function for itself. */
const PEOPLE = ARE_POLLING ? 12 : 24;
const PAGE = 3;

const stack = await startWithLimits({ fanOutPage: PAGE });
const backEnd = await emptyUpstream();
afterAll(async () => {
  backEnd.stop();
  await stack.stop();
});

/** Users of one organisation, each with all received events in order. */
async function crowd() {
  const org = newOrg();
  const token = await tokenFor({ org });
  const name = stack.functions.named("Publish");
  const integration = shopAt(backEnd.url);
  await stack.functions.invoke(name, { event: "integration:put", org, integration });
  return Promise.all(
    Array.from({ length: PEOPLE }, async () => {
      const socket = await connected(client({ auth: { token } }, stack.url));
      const received: string[] = [];
      await socket.emitWithAck("subscribe:project", "p1");
      await socket.emitWithAck("integration:join", shop);
      socket.onAny((event: string) => received.push(event));
      return { org, socket, received };
    }),
  );
}

/** Resolves once everything has arrived that was posted: packets for one connection keep their order. */
async function allReceived(all: Awaited<ReturnType<typeof crowd>>): Promise<void> {
  await stack.idle();
  await Promise.all(all.map(({ socket }) => socket.emitWithAck("presence:update")));
}

/**
 * What functions of this name have given connections since the calls were last taken: what is posted, or appended to
 * the queues of clients that poll. Such an append is repeated where a GET comes at that moment, and told from that
 * GET's own call only in functions that serve none.
 */
function given(calls: ReturnType<typeof stack.takeCalls>, prefix: string): number {
  const isAppend = (action: string, partition = "") =>
    action === "dynamodb:UpdateItem" && partition.startsWith("conn#poll:");
  return calls.filter(
    ({ functionName, action, partition }) =>
      functionName.startsWith(prefix) &&
      (action === "execute-api:POST" || isAppend(action, partition)),
  ).length;
}

test("a room larger than a page is divided among fan-out workers, and everyone receives one copy", async () => {
  const all = await crowd();
  const [ann, ...others] = all;
  await stack.idle();
  stack.takeCalls();

  expect(await ann?.socket.emitWithAck("custom:event", { projectId: "p1" })).toEqual({ ok: true });
  await stack.idle();
  await until(() => others.every(({ received }) => received.length > 0));
  const calls = stack.takeCalls();
  await allReceived(all);

  for (const { received } of others) expect(received).toEqual(["custom:event"]);
  expect(ann?.received).toEqual([]);
  // The handler's own function posts one page and the acknowledgement.
  expect(given(calls, "FanOut")).toBeGreaterThanOrEqual(PEOPLE - (PAGE + 1));
  if (!ARE_POLLING) expect(given(calls, "Socket") + given(calls, "FanOut")).toBe(PEOPLE);
});

test("the packets of one handler reach each socket of a large room in the order emitted", async () => {
  const all = await crowd();
  const [ann, ...others] = all;

  await ann?.socket.emitWithAck("integration:execute", { ...shop, endpoint: "list" });
  await stack.idle();
  await until(() => all.every(({ received }) => received.includes("integration:usage:updated")));
  await allReceived(all);

  for (const { received } of others)
    expect(received.filter((event) => event !== "integration:execution:started")).toEqual([
      "integration:execution:completed",
      "integration:usage:updated",
    ]);
});

test("live queries of more than a page are divided among fan-out workers, and each gets one copy after the room's", async () => {
  const all = await crowd();
  const org = all[0]?.org;
  const todos = { projectId: "p1", collectionId: "todos" };
  for (const { socket } of all)
    for (const queryId of ["first", "second"])
      await socket.emitWithAck("subscribe:query", { ...todos, queryId, query: { done: false } });
  await all[0]?.socket.emitWithAck("subscribe:query", {
    ...todos,
    queryId: "other",
    query: { n: 1 },
  });
  await stack.idle();
  stack.takeCalls();
  const copies = all.map(({ socket }) => {
    const received: unknown[] = [];
    socket.on("db:update", ({ queryId }: { queryId?: string }) => received.push(queryId));
    return received;
  });

  await stack.functions.invoke(stack.functions.named("Publish"), {
    ...{ event: "db:update", org, ...todos },
    ...{ data: { _id: "d1", done: true }, previous: { _id: "d1", done: false } },
  });
  await stack.idle();
  await until(() => copies.every((received) => received.length >= 3));
  const calls = stack.takeCalls();
  await allReceived(all);

  for (const received of copies) expect(received).toEqual([undefined, "first", "second"]);
  expect(given(calls, "FanOut")).toBeGreaterThanOrEqual(3 * (PEOPLE - PAGE));
  if (!ARE_POLLING) expect(given(calls, "")).toBe(3 * PEOPLE);
});
