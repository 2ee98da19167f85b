import type { Call } from "#mudbase/model/call.ts";
import type { ChatPlace } from "#mudbase/model/chat.ts";
import { callKey, callPartition } from "#server/store/keys.ts";
import type { Item, Table } from "#server/store/table.ts";

/** Seconds after which a call that nobody ended is forgotten. */
const LIFETIME = 2 * 3600;

/** Calls that a chat may hold at once. */
const MOST_CALLS = 100;

/** Queries of 1 MB: a hundred calls of fifty people with the longest ids are two, and some have expired. */
const MOST_QUERIES = 4;

/** The calls that ring or go on; a caller has one in a chat. */
export interface Calls {
  /** Stores a call in place of its caller's last one, which it gives; `full` where the chat holds no more. */
  put(place: ChatPlace, call: Call): Promise<{ readonly last?: Call | undefined } | "full">;
  find(place: ChatPlace, callerId: string): Promise<Call | undefined>;
  /** The calls of a chat, the newest first. */
  inChat(place: ChatPlace): Promise<readonly Call[]>;
  remove(place: ChatPlace, callerIds: readonly string[]): Promise<void>;
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
    async put(place, { callerId, ...call }) {
      const all = await live(place);
      const last = all.find(({ sk }) => sk === callerId);
      if (all.length - (last === undefined ? 0 : 1) >= MOST_CALLS) return "full";
      await table.put({
        ...callKey(place, callerId),
        ...call,
        expiresAt: Math.floor(now() / 1000) + LIFETIME,
      });
      return { last: last && callOf(last) };
    },

    async find(place, callerId) {
      const item = await table.get(callKey(place, callerId));
      return item !== undefined && isLive(item) ? callOf(item) : undefined;
    },

    async inChat(place) {
      const items = await live(place);
      return items.toSorted((a, b) => Number(b.expiresAt) - Number(a.expiresAt)).map(callOf);
    },

    async remove(place, callerIds) {
      const [first, ...others] = callerIds.map((callerId) => callKey(place, callerId));
      if (first === undefined) return;
      if (others.length === 0) await table.remove(first);
      else await table.writeAll([], [first, ...others]);
    },
  };

  async function live(place: ChatPlace): Promise<readonly Item[]> {
    const query = {
      KeyConditionExpression: "pk = :chat",
      ExpressionAttributeValues: { ":chat": callPartition(place) },
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
