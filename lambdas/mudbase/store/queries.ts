import type { Contract } from "#mudbase/contract.ts";
import type { Filter } from "#mudbase/model/filter.ts";
import { collectionAt, type QueryKey } from "#mudbase/model/query.ts";
import type { Departed } from "#server/app.ts";
import type { KeyRange } from "#server/model/key-range.ts";
import { splitSegments } from "#server/model/segments.ts";
import type { Claim } from "#server/model/session.ts";
import { expiryAfter } from "#server/store/connections.ts";
import { putStamped, removeStamped, timeOfStamp } from "#server/store/session-item.ts";
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
  /** Stores a filter for a socket that has claimed its `queryId` for a place, in place of the one before. */
  save(
    holder: Holder,
    queryId: string,
    place: string,
    filter: Filter,
    claimed: {
      readonly stamp: number;
      readonly places: readonly { readonly place: string; readonly stamp: number }[];
    },
  ): Promise<void>;
  /**
   * The live queries on a collection of the first sockets of a key range: about so many, and for each
   * socket all of them. `until` is the last of these sockets where there are more.
   */
  page(org: string, key: QueryKey, range: KeyRange, limit: number): Promise<QueryPage>;
  /** The live queries that a socket has claimed, each since when, in epoch milliseconds. */
  of(
    holder: Holder,
    held: readonly (Claim & { readonly stamp: number })[],
  ): Promise<readonly HeldQuery[]>;
  /** Keeps live queries of a socket, which may stay for hours more. */
  refresh(holder: Holder, held: readonly Claim[]): Promise<void>;
  /** Deletes live queries of a socket at places where they are or were, unless their stamp is above `upTo`. */
  erase(holder: Holder, held: readonly Claim[], upTo?: number): Promise<void>;
}

/** A live query as its socket has claimed it: where, and since when, in epoch milliseconds. */
export interface HeldQuery extends LiveQuery {
  readonly place: string;
  readonly since: number;
}

/** Whose live queries they are. */
type Holder = Pick<Departed<Contract>, "id" | "connectionId" | "tenant">;

/** Some live queries, by socket. */
export interface QueryPage {
  readonly found: readonly LiveQuery[];
  readonly until?: string | undefined;
}

/** Queries for one page, whose first ones may find tombstones alone. */
const MOST_QUERIES = 20;

/** The live queries in the table; each claimed by its socket before it is stored, so that none is left behind. */
export function createQueries({ table, now }: Storage, queriesPerSocket: number): Queries {
  return {
    async save({ id, connectionId, tenant }, queryId, place, filter, { stamp, places }) {
      const expiresAt = expiryAfter(now());
      const query = { address: connectionId, queryId, filter: JSON.stringify(filter) };
      const put = { ...queryKey(tenant, collectionAt(place), id, queryId), ...query };
      await putStamped(table, [{ ...put, stamp, expiresAt }]);
      await putStamped(
        table,
        places.map((old) => ({
          ...queryKey(tenant, collectionAt(old.place), id, queryId),
          ...{ stamp: old.stamp, released: true, expiresAt },
        })),
      );
    },

    async page(org, key, range, limit) {
      const query = {
        ...liveQueries(org, key, range),
        Limit: Math.max(limit, queriesPerSocket) + 1,
      };
      const found: LiveQuery[] = [];
      let reached: Item | undefined;
      for await (const { items, last } of table.pages(query, MOST_QUERIES)) {
        found.push(...items.map(liveQuery));
        reached = last;
        if (last === undefined) break;
        // The next page may hold more of the last socket's.
        const cut = found.at(-1)?.sid;
        const whole = found.filter(({ sid }) => sid !== cut);
        if (whole.length > 0) return { found: whole, until: whole.at(-1)?.sid };
      }
      return { found, until: reached && liveQuery(reached).sid };
    },

    async of({ tenant, id }, held) {
      const items = await table.getAll(
        held.map(({ key, place }) => queryKey(tenant, collectionAt(place), id, key)),
      );
      const stored = new Map(
        items
          .filter(({ released }) => released === undefined)
          .map((item) => [String(item.queryId), liveQuery(item)]),
      );
      return held.flatMap(({ key, place, stamp }) => {
        const query = stored.get(key);
        return query === undefined ? [] : [{ ...query, place, since: timeOfStamp(stamp) }];
      });
    },

    async refresh({ tenant, id, connectionId }, held) {
      const expiry = expiryAfter(now());
      await Promise.all(
        held.map(({ key, place }) =>
          table.update(queryKey(tenant, collectionAt(place), id, key), {
            update: "SET expiresAt = :expiry, address = :address",
            condition: "attribute_exists(pk)",
            values: { ":expiry": expiry, ":address": connectionId },
            isRepeatable: true,
          }),
        ),
      );
    },

    async erase({ tenant, id }, held, upTo) {
      const keys = held.map(({ key, place }) => queryKey(tenant, collectionAt(place), id, key));
      if (upTo === undefined) await table.writeAll([], keys);
      else await removeStamped(table, keys, upTo);
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
  FilterExpression: "attribute_not_exists(released)",
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
