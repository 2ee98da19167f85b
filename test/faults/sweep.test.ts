import { expect, test } from "vitest";
import { Heartbeat, Limits } from "../../lambdas/server/model/limits.ts";
import type { Connection } from "../../lambdas/server/model/session.ts";
import type { Parts } from "../../lambdas/server/pipeline/parts.ts";
import type { Sender } from "../../lambdas/server/pipeline/sender.ts";
import { createSweep, type ShardRange } from "../../lambdas/server/pipeline/sweep.ts";
import { SILENT } from "../support/silent.ts";

/** The milliseconds that a function has. */
const TIME_OUT = 29_000;
const PAGE = 1000;

test("a page that takes longer than a function is left to another from where it has come, and each is visited once", async () => {
  // Without a socket they are cut, which takes as long as a gateway that hangs.
  const connections = Array.from({ length: 2500 }, (_, n) => ({
    ...{ connectionId: `c${1000 + n}`, connectedAt: 0, idleSince: 0, lastSeenAt: 0 },
    ...{ sockets: {}, departed: {} },
  })) as unknown as readonly Connection[];
  let [clock, began] = [10_000_000, 0];
  let [page, most] = [0, 0];
  const visited: string[] = [];
  const waiting: ShardRange[] = [{ shard: 0 }];
  const adapter = {
    connections: {
      async inShard(_: number, from = "", limit = PAGE) {
        const rest = connections.filter(({ connectionId }) => connectionId > from);
        const found = rest.slice(0, limit);
        return { connections: found, next: rest[limit] && found.at(-1)?.connectionId };
      },
    },
    sessions: { getAll: async () => [] },
  };
  const runtime = {
    ...{ limits: Limits.parse({ shards: 1 }), heartbeat: Heartbeat.parse({}), telemetry: SILENT },
    now: () => clock,
    remaining: () => began + TIME_OUT - clock,
    invokeSelf: async (range: ShardRange) => void waiting.push(range),
  };
  const cut = async (connectionId: string) => {
    visited.push(connectionId);
    page += 1;
    // Fifty at the same time.
    if (visited.length % 50 === 0) clock += 10_000;
  };
  const { sweep } = createSweep(
    { adapter, runtime } as unknown as Parts,
    { cut } as unknown as Sender,
  );

  for (let range = waiting.shift(); range !== undefined; range = waiting.shift()) {
    [began, page] = [clock, 0];
    await sweep(range);
    expect(clock - began).toBeLessThan(TIME_OUT);
    most = Math.max(most, page);
  }

  expect(visited.toSorted()).toEqual(connections.map(({ connectionId }) => connectionId));
  expect(most).toBeLessThan(PAGE);
});

test("a page of lost sessions that takes longer than a function leaves the rest to the next minute's sweep", async () => {
  const lost = new Set(Array.from({ length: PAGE }, (_, n) => `s${n}`));
  let [clock, began, visits] = [10_000_000, 0, 0];
  const sessions = {
    lostInShard: async () => ({
      sessions: [...lost].map((sid) => ({ sid, state: "detached", lostAt: 0 })),
    }),
  };
  const runtime = {
    ...{ limits: Limits.parse({ shards: 1 }), heartbeat: Heartbeat.parse({}), telemetry: SILENT },
    now: () => clock,
    remaining: () => began + TIME_OUT - clock,
  };
  const endLost = async ({ sid }: { readonly sid: string }) => {
    expect(lost.delete(sid)).toBe(true);
    visits += 1;
    if (visits % 50 === 0) clock += 10_000;
  };
  const { sweep } = createSweep(
    { adapter: { sessions, log: { ends: async () => [] } }, runtime } as unknown as Parts,
    { endLost } as unknown as Sender,
  );

  let minutes = 0;
  for (; lost.size > 0; minutes += 1) {
    began = clock;
    await sweep({ shard: 0, isOfLost: true });
    expect(clock - began).toBeLessThan(TIME_OUT);
  }

  expect(minutes).toBeGreaterThan(1);
});
