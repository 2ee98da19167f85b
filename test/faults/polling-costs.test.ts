import { readFileSync } from "node:fs";
import { afterAll, expect, inject, test } from "vitest";
import type { Cost } from "../support/performance.ts";
import { UNLIMITED } from "../support/unlimited.ts";
import { connectPolling, type PollingClient, startPolling } from "./polling-client.ts";
import { createWorld } from "./world.ts";

// Without recovery, as in the table of events: its column says what that adds.
const world = await createWorld(inject("assembly"), { ...UNLIMITED, connectionStateRecovery: 0 });
afterAll(() => world.stop());

const event = (name: string, payload: object) => `42${JSON.stringify([name, payload])}`;
const inP1 = { projectId: "p1" };

/** The table of docs/performance.md. */
const documented = (): Readonly<Record<string, Cost>> => {
  const text = readFileSync("docs/performance.md", "utf8");
  const section = text.split("## Long polling")[1]?.split("\n## ")[0] ?? "";
  const rows = section.matchAll(/^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|/gm);
  return Object.fromEntries(
    [...rows].map(([, step, reads, writes, posts]) => [
      step,
      { reads: Number(reads), writes: Number(writes), posts: Number(posts) },
    ]),
  );
};

test("each step of a client that polls costs the calls that docs/performance.md says", async () => {
  const costs: Record<string, Cost> = {};
  const measure = async (step: string, work: () => Promise<unknown>) => {
    costs[step] = await world.costOf(work);
  };
  let ann: PollingClient | undefined;
  await measure("handshake", async () => {
    ann = await startPolling(world);
  });
  const client = await connectPolling(world, "ann", "acme");
  const ben = await world.connect("ben", "acme");
  await client.post(event("subscribe:project", inP1));
  await client.get();
  await measure("a POST, besides what it brings", () => client.post("6"));
  await measure("a GET that waits 20 s for nothing", () => client.get());
  await measure("a packet for a client that polls", () =>
    world.send(ben, event("custom:typing", { ...inP1, isTyping: true })),
  );
  await measure("a GET that finds packets", () => client.get());
  const link = String(await client.link());
  await measure("`$connect` of a WebSocket that is to take over", () => client.link());
  await measure("probe", () => world.send(link, "2probe"));
  await measure("upgrade, where nothing waits", () => world.send(link, "5"));
  // Another function, which has heard of none of this.
  const news = { event: "emit", org: "acme", to: [{ kind: "user", userId: "ann" }], name: "news" };
  await measure("the first packet for a room since", () => world.publish(news));
  await measure("each later one", () => world.publish(news));

  expect(ann).toBeDefined();
  expect(costs).toEqual(documented());
});
