import { afterAll, expect, inject, test } from "vitest";
import { createQueues } from "../../lambdas/server/store/queues.ts";
import { createTable } from "../../lambdas/server/store/table.ts";
import { connectPolling } from "./polling-client.ts";
import { createWorld } from "./world.ts";

// Of two executions one may wait.
const world = await createWorld(inject("assembly"), { pollWait: 1 }, { POLLING_CONCURRENCY: "2" });
afterAll(() => world.stop());

const isPeek = (input: { readonly ConsistentRead?: unknown; readonly Key?: object }) =>
  "Key" in input && !("UpdateExpression" in input) && input.ConsistentRead === undefined;

test("nothing is taken by a GET that looks at what another has taken a moment ago", async () => {
  const { database: client, tableName } = world;
  const table = createTable({ client, tableName, pause: async () => undefined });
  const queues = createQueues({ table, now: world.now }, 1);
  const at = world.now();
  await queues.open("poll:x", at, undefined);
  await queues.append("poll:x", ["4a"], "1");
  const poll = { key: "t1", request: "r1", at };
  expect((await queues.arrive("poll:x", poll))?.sent).toEqual(["4a"]);
  await queues.arrive("poll:x", { key: "t2", request: "r2", at: at + 1 });

  expect(await queues.take("poll:x", "r2")).toBeUndefined();
});

test("where as many GETs wait as may, another is answered at once, and waits again when one is over", async () => {
  const [ann, ben] = [
    await connectPolling(world, "ann", "acme"),
    await connectPolling(world, "ben", "acme"),
  ];
  const { reads: looks } = await world.costOf(() => ben.get());
  const held = world.holdNext(isPeek);
  const waiting = ann.get();
  await held.reached;

  expect(await world.costOf(async () => expect((await ben.get()).packets).toEqual(["6"]))).toEqual({
    // Whether it has a socket.
    ...{ reads: 1, posts: 0 },
    // It arrives, and looks for a slot twice in vain.
    writes: 3,
  });
  await ben.post('421["presence:update"]');
  expect((await ben.get()).packets).toEqual(['431[{"ok":true}]']);

  held.release();
  expect((await waiting).packets).toEqual(["6"]);
  expect((await world.costOf(() => ben.get())).reads).toBe(looks);
});
