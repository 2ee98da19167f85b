import type { Call } from "#model/call.ts";
import type { ChatPlace } from "#model/chat.ts";
import { callKey, callPartition } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** Seconds after which a call that nobody ended is forgotten. */
const LIFETIME = 2 * 3600;

/** The calls that ring or go on; a caller has one in a chat. */
export interface Calls {
  put(place: ChatPlace, call: Call): Promise<void>;
  find(place: ChatPlace, callerId: string): Promise<Call | undefined>;
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
    put: (place, { callerId, ...call }) =>
      table.put({
        ...callKey(place, callerId),
        ...call,
        expiresAt: Math.floor(now() / 1000) + LIFETIME,
      }),

    async find(place, callerId) {
      const item = await table.get(callKey(place, callerId));
      return item !== undefined && isLive(item) ? callOf(item) : undefined;
    },

    async inChat(place) {
      const query = {
        KeyConditionExpression: "pk = :chat",
        ExpressionAttributeValues: { ":chat": callPartition(place) },
        ConsistentRead: true,
      };
      const calls: Call[] = [];
      for await (const { items } of table.pages(query))
        calls.push(...items.filter(isLive).map(callOf));
      return calls;
    },

    async remove(place, callerIds) {
      const [first, ...others] = callerIds.map((callerId) => callKey(place, callerId));
      if (first === undefined) return;
      if (others.length === 0) await table.remove(first);
      else await table.writeAll([], [first, ...others]);
    },
  };
}

const callOf = ({ sk, type, participants }: Item): Call => ({
  callerId: String(sk),
  type: type as Call["type"],
  participants: participants as readonly string[],
});
