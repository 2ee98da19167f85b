import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createRateLimits } from "../../lambdas/server/store/rate-limits.ts";
import type { Item, Table } from "../../lambdas/server/store/table.ts";

/** Tokens of a full bucket of one a second, of which every one is written down. */
const TOKENS = 10;

test("a bucket whose writes are answered in another order lets nobody through when it is empty", async () => {
  const answers: (() => void)[] = [];
  let fullAt = 0;
  const update = ({ values = {} }: { readonly values?: Item }): Promise<Item> => {
    fullAt = Number(values[":fullAt"] ?? fullAt + Number(values[":milliseconds"]));
    const written = { fullAt };
    return new Promise((resolve) => answers.push(() => resolve(written)));
  };
  const table = { update: (_: unknown, change: object) => update(change) } as unknown as Table;
  const { take } = createRateLimits({ table, now: () => 1_000_000 });
  const bucket = { kind: "events", owner: ["ann"], perSecond: 1 } as const satisfies Parameters<
    typeof take
  >[0];

  const first = take(bucket);
  answers.shift()?.();
  await first;
  const others = Array.from({ length: TOKENS - 1 }, () => take(bucket));
  await turn();
  for (const answer of answers.splice(0).toReversed()) answer();
  await Promise.all(others);
  // One more is let through, because what is written down later may have been known before.
  const more = Array.from({ length: 5 }, () => take(bucket));
  await turn();
  for (const answer of answers.splice(0)) answer();

  const refused = (await Promise.all(more)).filter((refusal) => refusal !== undefined);
  expect(refused.length).toBeGreaterThanOrEqual(4);
});
