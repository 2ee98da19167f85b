import type { JoinResult, Member, QueryPlace } from "#model/connection.ts";
import type { Filter } from "#model/filter.ts";
import { splitSegments } from "#model/segments.ts";
import { type Connections, expiryAfter } from "./connections.ts";
import { queryKey, queryPartition } from "./keys.ts";
import type { Item, Table } from "./table.ts";

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
  /** The live queries on a collection, page by page. */
  on(org: string, place: QueryPlace): AsyncIterable<readonly LiveQuery[]>;
  /** Deletes the live queries of a connection that is no more, wherever they are or were. */
  erase(
    org: string,
    connectionId: string,
    ...held: readonly Readonly<Record<string, QueryPlace>>[]
  ): Promise<void>;
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

    async *on(org, place) {
      const query = {
        KeyConditionExpression: "pk = :collection",
        ExpressionAttributeValues: { ":collection": queryPartition(org, place) },
        ProjectionExpression: "sk, queryId, #filter",
        ExpressionAttributeNames: { "#filter": "filter" },
        ConsistentRead: true,
      };
      for await (const { items } of table.pages(query)) yield items.map(liveQuery);
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

const liveQuery = ({ sk, queryId, filter }: Item): LiveQuery => ({
  connectionId: splitSegments(String(sk))[0] ?? "",
  queryId: String(queryId),
  filter: String(filter),
});
