import { MAX_ACKNOWLEDGEMENT, MAX_ASKED, MAX_TIMEOUT } from "#server/model/acknowledgement.ts";
import type { Acknowledgements } from "./adapter.ts";
import { acknowledgementKey } from "./keys.ts";
import { chunks, type Storage } from "./table.ts";

/** Items that are written at the same time, a batch after the other. */
const AT_ONCE = 100;

/** Pages of a megabyte that all acknowledgements of one event have at most. */
const MOST_PAGES = Math.ceil((MAX_ASKED * 2 * MAX_ACKNOWLEDGEMENT) / 2 ** 20);

/** Acknowledgements in the table: an item for each socket that is asked, put before it is, which its answer completes. */
export const createAcknowledgements = ({ table, now }: Storage): Acknowledgements => ({
  async ask(asked, sids) {
    const expiresAt = Math.ceil((now() + 2 * MAX_TIMEOUT) / 1000);
    const items = sids.map((sid) => ({ ...acknowledgementKey(asked, sid), expiresAt }));
    await Promise.all([...chunks(items, AT_ONCE)].map((some) => table.writeAll(some, [])));
  },

  async put(asked, sid, value) {
    // Only who asks needs it: a function loads 1 ms faster without.
    const { serialize } = await import("node:v8");
    const answer = serialize(value);
    if (answer.byteLength > MAX_ACKNOWLEDGEMENT) return "too_large";
    const kept = await table.update(acknowledgementKey(asked, sid), {
      update: "SET answer = :answer",
      // Only of who was asked, and the first one; again where the SDK repeats it.
      condition: "attribute_exists(pk) AND (attribute_not_exists(answer) OR answer = :answer)",
      values: { ":answer": answer },
      isRepeatable: true,
    });
    return kept === undefined ? "not_asked" : "kept";
  },

  async get(asked, sids) {
    const { deserialize } = await import("node:v8");
    const answers = new Map<string, unknown>();
    const partitions = new Set(sids.map((sid) => acknowledgementKey(asked, sid).pk));
    await Promise.all([...partitions].map(read));
    return answers;

    async function read(partition: string): Promise<void> {
      const query = {
        KeyConditionExpression: "pk = :partition",
        FilterExpression: "attribute_exists(answer)",
        ExpressionAttributeValues: { ":partition": partition },
        ConsistentRead: true,
      };
      for await (const { items } of table.pages(query, MOST_PAGES))
        for (const { sk, answer } of items)
          answers.set(String(sk), deserialize(answer as Uint8Array) as unknown);
    }
  },
});
