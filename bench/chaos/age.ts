import { LATEST_WRITE, LIMITS } from "../../lambdas/server/model/limits.ts";
import { CONNECT_TIMEOUT } from "../../lambdas/server/model/time-outs.ts";
import type { LocalStack } from "../../local/stack.ts";
import { rewrite } from "../../test/support/rewrite.ts";

/** Milliseconds for which a lost socket may come back by default, and the cleanup keeps the tombstone of its connection. */
const WINDOW = LIMITS.connectionStateRecovery.default * 1000;

type Item = Readonly<Record<string, unknown>>;

/** Makes what was cut before its CONNECT, or before it had upgraded, as old as the cleanup wants it. */
export async function ageUnused(stack: LocalStack): Promise<void> {
  const items = (await stack.database.items()).filter(({ endedAt }) => endedAt === undefined);
  const age = (attribute: string, isMeant: (item: Item) => boolean) =>
    rewrite(
      ...([stack, items.filter(isMeant), attribute] as const),
      (item) => Number(item[attribute]) - CONNECT_TIMEOUT - 1000,
    );
  await age("idleSince", ({ idleSince }) => idleSince !== undefined);
  await age("connectedAt", ({ owner }) => owner !== undefined);
}

/** Makes tombstones as old as the cleanup wants them before it deletes them, so that a run need not wait. */
export const ageTombstones = (stack: LocalStack, items: readonly Item[]): Promise<void> =>
  rewrite(
    stack,
    items.filter(({ endedAt }) => endedAt !== undefined),
    "endedAt",
    ({ endedAt }) => Number(endedAt) - LATEST_WRITE - WINDOW - 1000,
  );
