/** Which of several entries something was done for, and what was thrown for another, if anything was. */
export interface Settled<Entry> {
  readonly done: readonly Entry[];
  readonly failure?: unknown;
}

/** Tries each of several entries: one that fails does not hide what became of the others. */
export async function settleAll<Entry>(
  entries: readonly Entry[],
  attempt: (entry: Entry) => Promise<boolean>,
): Promise<Settled<Entry>> {
  const results = await Promise.allSettled(entries.map(attempt));
  const [failed] = results.filter((result) => result.status === "rejected");
  return {
    done: entries.filter((_, index) => {
      const result = results[index];
      return result?.status === "fulfilled" && result.value;
    }),
    failure: failed?.reason,
  };
}
