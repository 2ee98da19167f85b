import { LONGEST_WORK } from "#model/limits.ts";
import { onceKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Does a thing once however often it is asked for under one id. */
export interface Once {
  /**
   * Runs `work` unless it has been done under this id, or is being done now. Where it fails, the
   * next try runs it again.
   */
  run<Result>(
    kind: string,
    id: string,
    work: () => Promise<Result>,
  ): Promise<{ readonly done: true; readonly result: Result } | { readonly done: false }>;
}

export interface OnceParts {
  readonly table: Table;
  readonly now: () => number;
  /** Milliseconds for which an id is remembered. */
  readonly memory: number;
}

/** The ids in the table: claimed before the work, kept after it. */
export function createOnce({ table, now, memory }: OnceParts): Once {
  return {
    async run(kind, id, work) {
      const key = onceKey(kind, id);
      const claimed = await table.update(key, {
        UpdateExpression: "SET #until = :until, expiresAt = :expiry",
        ConditionExpression: "attribute_not_exists(pk) OR #until <= :now",
        ExpressionAttributeNames: { "#until": "until" },
        ExpressionAttributeValues: {
          ":now": now(),
          ":until": now() + LONGEST_WORK,
          ":expiry": Math.ceil((now() + memory) / 1000),
        },
      });
      if (claimed === undefined) return { done: false };
      try {
        const result = await work();
        await table.update(key, {
          UpdateExpression: "SET #until = :until",
          ExpressionAttributeNames: { "#until": "until" },
          ExpressionAttributeValues: { ":until": now() + memory },
        });
        return { done: true, result };
      } catch (error) {
        await table.remove(key);
        throw error;
      }
    },
  };
}
