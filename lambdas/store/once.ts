import { randomUUID } from "node:crypto";
import { LONGEST_WORK } from "#model/limits.ts";
import { onceKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Does a thing once however often it is asked for under one id. */
export interface Once {
  /**
   * Runs `work` unless it has been done under this id, or is being done now. Where it fails before it
   * has called `commit`, the next try runs it again; from then on it counts as done.
   */
  run<Result>(
    kind: string,
    id: string,
    work: (commit: () => Promise<void>) => Promise<Result>,
  ): Promise<{ readonly done: true; readonly result: Result } | { readonly done: false }>;
}

export interface OnceParts {
  readonly table: Table;
  readonly now: () => number;
  /** Milliseconds for which an id is remembered. */
  readonly memory: number;
}

/** The ids in the table: claimed before the work, kept once it cannot be taken back. */
export function createOnce({ table, now, memory }: OnceParts): Once {
  return {
    async run(kind, id, work) {
      const key = onceKey(kind, id);
      const attempt = randomUUID();
      let isCommitted = false;
      const claimed = await table.update(key, {
        UpdateExpression: "SET #until = :until, attempt = :attempt, expiresAt = :expiry",
        // The same call again, after its answer was lost, is no repetition.
        ConditionExpression: "attribute_not_exists(pk) OR #until <= :now OR attempt = :attempt",
        ExpressionAttributeNames: { "#until": "until" },
        ExpressionAttributeValues: {
          ":now": now(),
          ":until": now() + LONGEST_WORK,
          ":attempt": attempt,
          ":expiry": Math.ceil((now() + memory) / 1000),
        },
      });
      if (claimed === undefined) return { done: false };
      try {
        const result = await work(commit);
        if (!isCommitted) await commit();
        return { done: true, result };
      } catch (error) {
        if (!isCommitted) await table.remove(key);
        throw error;
      }

      async function commit(): Promise<void> {
        await table.update(key, {
          UpdateExpression: "SET #until = :until",
          ConditionExpression: "attempt = :attempt",
          ExpressionAttributeNames: { "#until": "until" },
          ExpressionAttributeValues: { ":until": now() + memory, ":attempt": attempt },
        });
        isCommitted = true;
      }
    },
  };
}
