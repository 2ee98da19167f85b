/** Connections served at the same time: more would wait in memory for a free connection to the gateway. */
const AT_ONCE = 50;

/** Does something for every entry, for some at the same time. */
export async function forEach<Value>(
  entries: ReadonlyMap<string, Value>,
  work: (key: string, value: Value) => Promise<void>,
): Promise<void> {
  const waiting = entries.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [key, value] of waiting) await work(key, value);
    }),
  );
}
