import { randomUUID } from "node:crypto";
import { MAX_RUN } from "#server/model/limits.ts";
import { idempotencyKey } from "./keys.ts";
import type { Storage } from "./table.ts";

/** Does a thing once however often it is asked for under one id, or under one of several. */
export interface Idempotency {
  /**
   * Runs `work` unless it has been done under one of these ids, or is being done now. Where it fails
   * before it has called `commit`, the next try runs it again; from then on it counts as done.
   */
  run<Result>(
    kind: string,
    ids: readonly string[],
    work: (commit: () => Promise<void>) => Promise<Result>,
  ): Promise<Outcome<Result>>;
}

/** What became of it: done now, done before, or being done by another call, which may yet fail. */
export type Outcome<Result> = { readonly status: "done"; readonly result: Result } | Before;

/** What an id says of a call that came before. */
type Before =
  | { readonly status: "repeated" }
  /** Milliseconds after which the other call has ended, whatever became of it. */
  | { readonly status: "busy"; readonly retryAfterMs: number };

/** Where ids are, and for how many milliseconds each is remembered. */
interface Ids extends Storage {
  readonly ttl: number;
}

/** The ids in the table, each remembered for `ttl` milliseconds: claimed before the work, kept once it cannot be taken back. */
export function createIdempotency(storage: Storage, ttl: number): Idempotency {
  const store: Ids = { ...storage, ttl };
  return {
    async run(kind, ids, work) {
      const attempt = randomUUID();
      const claimed: string[] = [];
      let isCommitted = false;
      try {
        for (const id of ids) {
          claimed.push(id);
          const before = await claim(store, kind, id, attempt);
          if (before === undefined) continue;
          claimed.pop();
          // The same thing under a new id: nobody gets in by that one either.
          await (before.status === "repeated" ? commit() : release());
          return before;
        }
        const result = await work(commit);
        if (!isCommitted) await commit();
        return { status: "done", result };
      } catch (error) {
        if (!isCommitted) await release();
        throw error;
      }

      async function commit(): Promise<void> {
        await Promise.all(claimed.map((id) => keep(store, kind, id, attempt)));
        isCommitted = true;
      }

      async function release(): Promise<void> {
        await Promise.all(claimed.map((id) => forget(store, kind, id, attempt)));
      }
    },
  };
}

async function claim(
  { table, now, ttl }: Ids,
  kind: string,
  id: string,
  attempt: string,
): Promise<Before | undefined> {
  const key = idempotencyKey(kind, id);
  const claimed = await table.update(key, {
    update: "SET #until = :until, attempt = :attempt, expiresAt = :expiry REMOVE isDone",
    // The same call again, after its answer was lost, is no repetition.
    condition: "attribute_not_exists(pk) OR #until <= :now OR attempt = :attempt",
    names: { "#until": "until" },
    values: {
      ":now": now(),
      ":until": now() + MAX_RUN,
      ":attempt": attempt,
      ":expiry": Math.ceil((now() + ttl) / 1000),
    },
  });
  if (claimed !== undefined) return undefined;
  // Where it is not there any more, the other call has just failed.
  const { isDone = false, until = now() } = (await table.get(key)) ?? {};
  return isDone === true
    ? { status: "repeated" }
    : { status: "busy", retryAfterMs: Math.max(0, Number(until) - now()) };
}

async function keep(
  { table, now, ttl }: Ids,
  kind: string,
  id: string,
  attempt: string,
): Promise<void> {
  await table.update(idempotencyKey(kind, id), {
    update: "SET #until = :until, isDone = :done",
    condition: "attempt = :attempt",
    names: { "#until": "until" },
    values: {
      ":until": now() + ttl,
      ":done": true,
      ":attempt": attempt,
    },
  });
}

/** Only its own claim: where nobody knows whether it got one, there may be another's. */
async function forget({ table }: Ids, kind: string, id: string, attempt: string): Promise<void> {
  await table.remove(idempotencyKey(kind, id), {
    condition: "attempt = :attempt",
    values: { ":attempt": attempt },
  });
}
