import type { Call } from "#mudbase/model/call.ts";
import type { ChatKey } from "#mudbase/model/chat.ts";
import type { Item, Table } from "#server/store/table.ts";
import { callKey, callPartition } from "./keys.ts";

/** Seconds after which a call that nobody ended is forgotten. */
const LIFETIME = 2 * 3600;

/** Queries of 1 MB: a hundred calls of fifty people with the longest ids are two, and some have expired. */
const MOST_QUERIES = 4;

/** The calls that ring or go on; a caller has one in a chat. */
export interface Calls {
  /** Stores a call in place of its caller's last one. */
  put(key: ChatKey, call: Call): Promise<void>;
  find(key: ChatKey, callerId: string): Promise<Call | undefined>;
  /** The calls of a chat, the newest first. */
  inChat(key: ChatKey): Promise<readonly Call[]>;
  remove(key: ChatKey, callerIds: readonly string[]): Promise<void>;
}

/** The calls in the table. */
export function createCalls({
  table,
  now,
}: {
  readonly table: Table;
  readonly now: () => number;
}): Calls {
  const isLive = ({ expiresAt }: Item) => Number(expiresAt) * 1000 > now();

  return {
    async put(key, { callerId, ...call }) {
      await table.put({
        ...callKey(key, callerId),
        ...call,
        expiresAt: Math.floor(now() / 1000) + LIFETIME,
      });
    },

    async find(key, callerId) {
      const item = await table.get(callKey(key, callerId));
      return item !== undefined && isLive(item) ? callOf(item) : undefined;
    },

    async inChat(key) {
      const items = await live(key);
      return items.toSorted((a, b) => Number(b.expiresAt) - Number(a.expiresAt)).map(callOf);
    },

    async remove(key, callerIds) {
      const [first, ...others] = callerIds.map((callerId) => callKey(key, callerId));
      if (first === undefined) return;
      if (others.length === 0) await table.remove(first);
      else await table.writeAll([], [first, ...others]);
    },
  };

  async function live(key: ChatKey): Promise<readonly Item[]> {
    const query = {
      KeyConditionExpression: "pk = :chat",
      ExpressionAttributeValues: { ":chat": callPartition(key) },
      ConsistentRead: true,
    };
    const found: Item[] = [];
    for await (const { items } of table.pages(query, MOST_QUERIES))
      found.push(...items.filter(isLive));
    return found;
  }
}

const callOf = ({ sk, type, participants }: Item): Call => ({
  callerId: String(sk),
  type: type as Call["type"],
  participants: participants as readonly string[],
});
