import type { Filter } from "#mudbase/model/filter.ts";
import type { JoinResult, Member, QueryPlace } from "#server/model/connection.ts";
import type { Slice } from "#server/model/key-range.ts";
import { splitSegments } from "#server/model/segments.ts";
import { type Connections, expiryAfter } from "#server/store/connections.ts";
import { queryKey, queryPartition } from "#server/store/keys.ts";
import type { Item, Table } from "#server/store/table.ts";

/** A live query: whose it is, and its filter as it was stored. */
export interface LiveQuery {
  readonly connectionId: string;
  readonly queryId: string;
  /** The filter as JSON, by which a compiled one is found again. */
  readonly filter: string;
}

/** The live queries of the sockets, stored with the collection they watch. */
export interface Queries {
  /** Stores a filter for a socket; the same `queryId` again replaces it. */
  save(member: Member, queryId: string, place: QueryPlace, filter: Filter): Promise<JoinResult>;
  /**
   * The live queries on a collection of the first connections of a slice: about so many, and for each
   * connection all of them. `until` is the last of these connections where there are more.
   */
  page(org: string, place: QueryPlace, slice: Slice, limit: number): Promise<QueryPage>;
  /** Deletes the live queries of a connection that is no more, wherever they are or were. */
  erase(
    org: string,
    connectionId: string,
    ...held: readonly Readonly<Record<string, QueryPlace>>[]
  ): Promise<void>;
}

/** Some live queries, by connection. */
export interface QueryPage {
  readonly found: readonly LiveQuery[];
  readonly until?: string | undefined;
}

export interface QueriesParts {
  readonly table: Table;
  readonly connections: Connections;
  readonly queriesPerSocket: number;
  readonly now: () => number;
}

/** The live queries in the table; noted on the connection first and stored second, as rooms are. */
export function createQueries(parts: QueriesParts): Queries {
  const { table, connections, queriesPerSocket, now } = parts;
  return {
    async save({ connectionId, org }, queryId, place, filter) {
      const key = queryKey(org, place, connectionId, queryId);
      const noted = await connections.addQuery(connectionId, queryId, place, queriesPerSocket);
      if (noted === undefined)
        return (await connections.get(connectionId)) === undefined ? "gone" : "full";
      await table.put({
        ...key,
        queryId,
        filter: JSON.stringify(filter),
        expiresAt: expiryAfter(now()),
      });
      const { previous } = noted;
      const stale = previous && queryKey(org, previous, connectionId, queryId);
      if (stale !== undefined && stale.pk !== key.pk) await table.remove(stale);
      return "joined";
    },

    async page(org, place, slice, limit) {
      const query = {
        ...liveQueries(org, place, slice),
        Limit: Math.max(limit, queriesPerSocket) + 1,
      };
      const found: LiveQuery[] = [];
      for await (const { items, last } of table.pages(query)) {
        found.push(...items.map(liveQuery));
        if (last === undefined) break;
        // The next page may hold more of the last connection's.
        const cut = found.at(-1)?.connectionId;
        const whole = found.filter(({ connectionId }) => connectionId !== cut);
        if (whole.length > 0) return { found: whole, until: whole.at(-1)?.connectionId };
      }
      return { found };
    },

    async erase(org, connectionId, ...held) {
      const keys = held
        .flatMap((queries) => Object.entries(queries))
        .map(([queryId, place]) => queryKey(org, place, connectionId, queryId));
      // Most never moved: where they were is where they are, and a batch may name a key once.
      const distinct = new Map(keys.map((key) => [JSON.stringify(key), key]));
      await table.writeAll([], [...distinct.values()]);
    },
  };
}

/** The live queries of a slice's connections; `$` comes after whatever follows a connection's id. */
const liveQueries = (org: string, place: QueryPlace, { after, upTo }: Slice) => ({
  KeyConditionExpression: "pk = :collection AND sk BETWEEN :after AND :upTo",
  ExpressionAttributeValues: {
    ":collection": queryPartition(org, place),
    ":after": after === undefined ? FIRST : `${after}$`,
    ":upTo": upTo === undefined ? LAST : `${upTo}$`,
  },
  ProjectionExpression: "sk, queryId, #filter",
  ExpressionAttributeNames: { "#filter": "filter" },
  ConsistentRead: true,
});

/** Before and after the id of every connection. */
const [FIRST, LAST] = ["#", "~"];

const liveQuery = ({ sk, queryId, filter }: Item): LiveQuery => ({
  connectionId: splitSegments(String(sk))[0] ?? "",
  queryId: String(queryId),
  filter: String(filter),
});
