/** What was done for several entries, and what was thrown for another, if anything was. */
export interface Settled<Done> {
  readonly done: readonly Done[];
  readonly failure?: unknown;
}

/** Tries each of several entries, which may come to nothing: one that fails does not hide what became of the others. */
export async function settleAll<Entry, Done>(
  entries: readonly Entry[],
  attempt: (entry: Entry) => Promise<Done | undefined>,
): Promise<Settled<Done>> {
  const results = await Promise.allSettled(entries.map(attempt));
  const [failed] = results.filter((result) => result.status === "rejected");
  return {
    done: results.flatMap((result) =>
      result.status === "fulfilled" && result.value !== undefined ? [result.value] : [],
    ),
    failure: failed?.reason,
  };
}
