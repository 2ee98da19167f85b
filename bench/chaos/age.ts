import { LATEST_WRITE, LIMITS } from "../../lambdas/server/model/limits.ts";
import { CONNECT_TIMEOUT } from "../../lambdas/server/model/time-outs.ts";
import type { LocalStack } from "../../local/stack.ts";
import { rewrite } from "../../test/support/rewrite.ts";

/** Milliseconds for which a lost socket may come back by default, and the cleanup keeps the tombstone of its connection. */
const WINDOW = LIMITS.connectionStateRecovery.default * 1000;

/** Milliseconds without a pong after which the cleanup surely closes a connection. */
const SILENCE = 3_600_000;

type Item = Readonly<Record<string, unknown>>;

/**
 * Makes what was cut before its CONNECT, or before it had upgraded, as old as the cleanup wants it, and what polled for a
 * socket that has come back elsewhere as silent: nobody can find that such a connection has gone.
 */
export async function ageUnused(stack: LocalStack): Promise<void> {
  const all = await stack.database.items();
  const items = all.filter(({ endedAt }) => endedAt === undefined);
  const addresses = new Map(all.map(({ pk, connectionId }) => [pk, connectionId]));
  const isLeft = ({ pk, sockets = {} }: Item) =>
    Object.values(sockets as Readonly<Record<string, { readonly id: string }>>).some(
      ({ id }) => pk !== `conn#${addresses.get(`sess#${id}`)}`,
    );
  const age = (attribute: string, isMeant: (item: Item) => boolean, time = CONNECT_TIMEOUT) =>
    rewrite(
      ...([stack, items.filter(isMeant), attribute] as const),
      (item) => Number(item[attribute]) - time - 1000,
    );
  await age("idleSince", ({ idleSince }) => idleSince !== undefined);
  await age("connectedAt", ({ owner }) => owner !== undefined);
  await age("lastSeenAt", isLeft, SILENCE);
}

/** Makes tombstones as old as the cleanup wants them before it deletes them, so that a run need not wait. */
export const ageTombstones = (stack: LocalStack, items: readonly Item[]): Promise<void> =>
  rewrite(
    stack,
    items.filter(({ endedAt }) => endedAt !== undefined),
    "endedAt",
    ({ endedAt }) => Number(endedAt) - LATEST_WRITE - WINDOW - 1000,
  );
