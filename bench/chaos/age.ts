import { LATEST_WRITE, LIMITS } from "../../lambdas/server/model/limits.ts";
import type { LocalStack } from "../../local/stack.ts";
import { rewrite } from "../../test/support/rewrite.ts";

/** Milliseconds for which a lost socket may come back by default, and the cleanup keeps the tombstone of its connection. */
const WINDOW = LIMITS.connectionStateRecovery.default * 1000;

/** Makes tombstones as old as the cleanup wants them before it deletes them, so that a run need not wait. */
export const ageTombstones = (
  stack: LocalStack,
  items: readonly Record<string, unknown>[],
): Promise<void> =>
  rewrite(
    stack,
    items.filter(({ endedAt }) => endedAt !== undefined),
    "endedAt",
    ({ endedAt }) => Number(endedAt) - LATEST_WRITE - WINDOW - 1000,
  );
