import type { Contract } from "#mudbase/contract.ts";
import type { Filter } from "#mudbase/model/filter.ts";
import type { QueryKey } from "#mudbase/model/query.ts";
import type { Departed } from "#server/app.ts";
import type { KeyRange } from "#server/model/key-range.ts";
import { splitSegments } from "#server/model/segments.ts";
import type { Claims } from "#server/model/session.ts";
import { expiryAfter } from "#server/store/connections.ts";
import type { Item, Storage } from "#server/store/table.ts";
import { queryKey, queryPartition } from "./keys.ts";

/** A live query: whose it is, and its filter as it was stored. */
export interface LiveQuery {
  readonly sid: string;
  readonly connectionId: string;
  readonly queryId: string;
  /** The filter as JSON, by which a compiled one is found again. */
  readonly filter: string;
}

/** The live queries of the sockets, stored with the collection they watch. */
export interface Queries {
  /** Stores a filter for a socket that has claimed its `queryId`, in place of the one before. */
  save(
    holder: Holder,
    queryId: string,
    key: QueryKey,
    filter: Filter,
    previous?: QueryKey,
  ): Promise<void>;
  /**
   * The live queries on a collection of the first sockets of a key range: about so many, and for each
   * socket all of them. `until` is the last of these sockets where there are more.
   */
  page(org: string, key: QueryKey, range: KeyRange, limit: number): Promise<QueryPage>;
  /** Deletes the live queries of a socket that is no more, wherever they are or were. */
  erase(holder: Holder, held: readonly Claims[]): Promise<void>;
}

/** Whose live queries they are. */
type Holder = Pick<Departed<Contract>, "id" | "connectionId" | "tenant">;

/** Some live queries, by socket. */
export interface QueryPage {
  readonly found: readonly LiveQuery[];
  readonly until?: string | undefined;
}

/** The live queries in the table; each claimed by its socket before it is stored, so that none is left behind. */
export function createQueries({ table, now }: Storage, queriesPerSocket: number): Queries {
  return {
    async save({ id, connectionId, tenant }, queryId, at, filter, previous) {
      const key = queryKey(tenant, at, id, queryId);
      await table.put({
        ...key,
        address: connectionId,
        queryId,
        filter: JSON.stringify(filter),
        expiresAt: expiryAfter(now()),
      });
      const stale = previous && queryKey(tenant, previous, id, queryId);
      if (stale !== undefined && stale.pk !== key.pk) await table.remove(stale);
    },

    async page(org, key, range, limit) {
      const query = {
        ...liveQueries(org, key, range),
        Limit: Math.max(limit, queriesPerSocket) + 1,
      };
      const found: LiveQuery[] = [];
      for await (const { items, last } of table.pages(query)) {
        found.push(...items.map(liveQuery));
        if (last === undefined) break;
        // The next page may hold more of the last socket's.
        const cut = found.at(-1)?.sid;
        const whole = found.filter(({ sid }) => sid !== cut);
        if (whole.length > 0) return { found: whole, until: whole.at(-1)?.sid };
      }
      return { found };
    },

    async erase({ tenant, id }, held) {
      const keys = held
        .flatMap((claims) => Object.entries(claims))
        .map(([queryId, key]) => queryKey(tenant, key as QueryKey, id, queryId));
      // Most never moved: where they were is where they are, and a batch may name a key once.
      const distinct = new Map(keys.map((key) => [JSON.stringify(key), key]));
      await table.writeAll([], [...distinct.values()]);
    },
  };
}

/** The live queries of a key range's sockets; `$` comes after whatever follows a socket's id. */
const liveQueries = (org: string, key: QueryKey, { after, upTo }: KeyRange) => ({
  KeyConditionExpression: "pk = :collection AND sk BETWEEN :after AND :upTo",
  ExpressionAttributeValues: {
    ":collection": queryPartition(org, key),
    ":after": after === undefined ? FIRST : `${after}$`,
    ":upTo": upTo === undefined ? LAST : `${upTo}$`,
  },
  ProjectionExpression: "sk, address, queryId, #filter",
  ExpressionAttributeNames: { "#filter": "filter" },
  ConsistentRead: true,
});

/** Before and after the id of every socket. */
const [FIRST, LAST] = ["#", "~"];

const liveQuery = ({ sk, address, queryId, filter }: Item): LiveQuery => ({
  sid: splitSegments(String(sk))[0] ?? "",
  connectionId: String(address),
  queryId: String(queryId),
  filter: String(filter),
});
