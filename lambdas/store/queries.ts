import type { JoinResult, Member, QueryPlace } from "#model/connection.ts";
import type { Filter } from "#model/filter.ts";
import { type Connections, expiryAfter } from "./connections.ts";
import { queryKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** The live queries of the sockets, stored with the collection they watch. */
export interface Queries {
  /** Stores a filter for a socket; the same `queryId` again replaces it. */
  save(member: Member, queryId: string, place: QueryPlace, filter: Filter): Promise<JoinResult>;
  /** Deletes the live queries of a connection that is no more. */
  erase(
    org: string,
    connectionId: string,
    queries: Readonly<Record<string, QueryPlace>>,
  ): Promise<void>;
}

export interface QueriesParts {
  readonly table: Table;
  readonly connections: Connections;
  readonly queriesPerSocket: number;
  readonly now: () => number;
}

/** The live queries in the table; stored first and noted on the connection second, as rooms are. */
export function createQueries(parts: QueriesParts): Queries {
  const { table, connections, queriesPerSocket, now } = parts;
  return {
    async save({ connectionId, org }, queryId, place, filter) {
      const key = queryKey(org, place, connectionId, queryId);
      await table.put({
        ...key,
        queryId,
        filter: JSON.stringify(filter),
        expiresAt: expiryAfter(now()),
      });
      const noted = await connections.addQuery(connectionId, queryId, place, queriesPerSocket);
      if (noted === undefined) {
        await table.remove(key);
        return (await connections.get(connectionId)) === undefined ? "gone" : "full";
      }
      const { previous } = noted;
      const stale = previous && queryKey(org, previous, connectionId, queryId);
      if (stale !== undefined && stale.pk !== key.pk) await table.remove(stale);
      return "joined";
    },

    erase: (org, connectionId, queries) =>
      table.writeAll(
        [],
        Object.entries(queries).map(([queryId, place]) =>
          queryKey(org, place, connectionId, queryId),
        ),
      ),
  };
}
