import { afterAll, expect, test, vi } from "vitest";
import { client, connected, newOrg, tokenFor } from "../support/people.ts";
import { startDivided } from "../support/running.ts";
import { shop, shopAt } from "../support/samples.ts";
import { emptyUpstream } from "../support/upstream.ts";

const PEOPLE = 24;
const PAGE = 3;

const stack = await startDivided(PAGE);
const backEnd = await emptyUpstream();
afterAll(async () => {
  backEnd.stop();
  await stack.stop();
});

/** People of one organisation, each with all that it hears, in its order. */
async function crowd() {
  const org = newOrg();
  const token = await tokenFor({ org });
  const name = stack.functions.named("Publish");
  const integration = shopAt(backEnd.url);
  await stack.functions.invoke(name, { event: "integration:put", org, integration });
  return Promise.all(
    Array.from({ length: PEOPLE }, async () => {
      const socket = await connected(client({ auth: { token } }, stack.url));
      const heard: string[] = [];
      await socket.emitWithAck("subscribe:project", "p1");
      await socket.emitWithAck("integration:join", shop);
      socket.onAny((event: string) => heard.push(event));
      return { socket, heard };
    }),
  );
}

test("a room larger than a page is carried by other functions, and everyone hears once", async () => {
  const all = await crowd();
  const [ann, ...others] = all;
  await stack.idle();
  stack.takeCalls();

  expect(await ann?.socket.emitWithAck("custom:event", { projectId: "p1" })).toEqual({ ok: true });
  await stack.idle();
  await vi.waitUntil(() => others.every(({ heard }) => heard.length > 0));

  for (const { heard } of others) expect(heard).toEqual(["custom:event"]);
  expect(ann?.heard).toEqual([]);
  const calls = stack.takeCalls();
  const posted = (prefix: string) =>
    calls.filter(
      ({ functionName, action }) =>
        functionName.startsWith(prefix) && action === "execute-api:POST",
    ).length;
  // The handler's own function carries a page and the acknowledgement.
  expect(posted("Socket")).toBeLessThanOrEqual(PAGE + 1);
  expect(posted("Socket") + posted("FanOut")).toBe(PEOPLE);
});

test("the packets of one handler reach each socket of a large room in the order emitted", async () => {
  const all = await crowd();
  const [ann, ...others] = all;

  await ann?.socket.emitWithAck("integration:execute", { ...shop, endpoint: "list" });
  await stack.idle();
  await vi.waitUntil(() => all.every(({ heard }) => heard.includes("integration:usage:updated")));

  for (const { heard } of others)
    expect(heard.filter((event) => event !== "integration:execution:started")).toEqual([
      "integration:execution:completed",
      "integration:usage:updated",
    ]);
});
