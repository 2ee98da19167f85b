import { getRecord, LIVES, type Limits, putItem, updateRecord } from "./calls.ts";
import type { Work } from "./explore.ts";
import { hasEnded, type LedgerRecord, queryKey, stampOf } from "./keys.ts";

const TRIES = 4;

interface Entry {
  readonly collection: string;
  readonly stamp: number;
}

const itemOf = (collection: string, queryId: string): string => `${collection}|${queryId}`;

const NOT_RELEASED_LATER = "(attribute_not_exists(released.#item) OR released.#item <= :stamp)";
const SAME_COLLECTION =
  "(attribute_exists(queries.#query) OR size(queries) < :max) AND (attribute_not_exists(queries.#query) OR (queries.#query.#collection = :collection AND queries.#query.stamp <= :stamp))";
const FROM_WHERE_IT_WAS_SEEN =
  "queries.#query.#collection = :seenCollection AND queries.#query.stamp = :seenStamp AND (attribute_exists(released.#item) OR size(released) < :churn)";

/** Notes a query, where it is new or stays, or where it moves from the collection it was seen at. */
function note(sid: string, queryId: string, entry: Entry, seen: Entry | undefined, limits: Limits) {
  const { maxQueries = 20, churn = 100 } = limits;
  return updateRecord(`notes ${queryId} at ${entry.collection}`, sid, {
    update: `SET queries.#query = :entry${seen ? ", released.#old = :tombstone" : ""} REMOVE released.#item`,
    condition: [LIVES, NOT_RELEASED_LATER, seen ? FROM_WHERE_IT_WAS_SEEN : SAME_COLLECTION].join(
      " AND ",
    ),
    names: {
      ...{
        "#query": queryId,
        "#collection": "collection",
        "#item": itemOf(entry.collection, queryId),
      },
      ...(seen && { "#old": itemOf(seen.collection, queryId) }),
    },
    values: {
      ...{
        ":entry": entry,
        ":stamp": entry.stamp,
        ":max": maxQueries,
        ":collection": entry.collection,
      },
      ...{ ":tombstone": entry.stamp + 1, ":churn": churn },
      ...(seen && { ":seenCollection": seen.collection, ":seenStamp": seen.stamp }),
    },
    returns: "ALL_NEW",
  });
}

/** Subscribes a query: a register, whose item is where its value says. */
export function* subscribe(
  sid: string,
  queryId: string,
  collection: string,
  at: number,
  limits: Limits,
): Work {
  const { maxQueries = 20, churn = 100 } = limits;
  const stamp = stampOf(at, false);
  let seen: Entry | undefined;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const from = seen !== undefined && seen.collection !== collection ? seen : undefined;
    const noted = yield note(sid, queryId, { collection, stamp }, from, limits);
    if (noted.ok) {
      const { n, connection, state } = noted.attributes as LedgerRecord;
      if (state === "detached") return "claimed";
      const item = { ...queryKey(collection, sid, n, queryId), stamp, address: connection };
      yield putItem(`puts the query at ${collection}`, item, true);
      if (from === undefined) return "claimed";
      const old = {
        ...queryKey(from.collection, sid, n, queryId),
        stamp: stamp + 1,
        released: true,
      };
      yield putItem(`puts a tombstone at ${from.collection}`, old, true);
      return "claimed";
    }
    const record = (yield getRecord("looks why", sid)).attributes as LedgerRecord | undefined;
    if (hasEnded(record)) return "gone";
    seen = record.queries[queryId];
    if (seen === undefined && Object.keys(record.queries).length >= maxQueries) return "full";
    if ((record.released[itemOf(collection, queryId)] ?? 0) > stamp) return "superseded";
    // The names of collections order what one millisecond does not.
    if (seen && (seen.stamp > stamp || (seen.stamp === stamp && seen.collection > collection)))
      return "superseded";
    if (seen && seen.collection !== collection && Object.keys(record.released).length >= churn)
      return "churn";
  }
  return "busy";
}
