import { afterAll, expect, test } from "vitest";
import { client, connected, newOrg, tokenFor } from "../support/people.ts";
import { startWithLimits } from "../support/running.ts";
import { shop, shopAt } from "../support/samples.ts";
import { until } from "../support/until.ts";
import { emptyUpstream } from "../support/upstream.ts";

const PEOPLE = 24;
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

test("a room larger than a page is divided among fan-out workers, and everyone receives one copy", async () => {
  const all = await crowd();
  const [ann, ...others] = all;
  await stack.idle();
  stack.takeCalls();

  expect(await ann?.socket.emitWithAck("custom:event", { projectId: "p1" })).toEqual({ ok: true });
  await stack.idle();
  await until(() => others.every(({ received }) => received.length > 0));

  for (const { received } of others) expect(received).toEqual(["custom:event"]);
  expect(ann?.received).toEqual([]);
  const calls = stack.takeCalls();
  const posted = (prefix: string) =>
    calls.filter(
      ({ functionName, action }) =>
        functionName.startsWith(prefix) && action === "execute-api:POST",
    ).length;
  // The handler's own function posts one page and the acknowledgement.
  expect(posted("Socket")).toBeLessThanOrEqual(PAGE + 1);
  expect(posted("Socket") + posted("FanOut")).toBe(PEOPLE);
});

test("the packets of one handler reach each socket of a large room in the order emitted", async () => {
  const all = await crowd();
  const [ann, ...others] = all;

  await ann?.socket.emitWithAck("integration:execute", { ...shop, endpoint: "list" });
  await stack.idle();
  await until(() => all.every(({ received }) => received.includes("integration:usage:updated")));

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
  await until(() => copies.every((received) => received.length === 3));

  for (const received of copies) expect(received).toEqual([undefined, "first", "second"]);
  const posts = stack.takeCalls().filter(({ action }) => action === "execute-api:POST");
  expect(posts).toHaveLength(3 * PEOPLE);
  const byPublish = posts.filter(({ functionName }) => functionName.startsWith("Publish"));
  expect(byPublish.length).toBeLessThanOrEqual(3 * PAGE);
});
