import { and, erase, getRecord, LIVES, type Limits, putItem, updateRecord } from "./calls.ts";
import type { Step, View, Work } from "./explore.ts";
import {
  hasEnded,
  type LedgerRecord,
  memberKey,
  ownedKeys,
  queryKey,
  recordKey,
  releasedKey,
} from "./keys.ts";

const recordOf = (attributes: unknown) => attributes as LedgerRecord | undefined;

/** CONNECT of a client that comes back, on connection `c` made at `n`. */
export function* recover(sid: string, c: string, n: number, { without = [] }: Limits): Work {
  const taken = yield updateRecord("takes the session", sid, {
    update:
      "SET #state = :recovering, #connection = :c, previous = #connection, previousN = n, n = :n ADD epochs :epoch",
    condition: and({ lives: LIVES, newer: "n < :n" }, without),
    values: { ":recovering": "recovering", ":c": c, ":n": n, ":epoch": new Set([n]) },
    returns: "ALL_NEW",
  });
  let record = recordOf(taken.attributes);
  if (!taken.ok) {
    record = recordOf((yield getRecord("reads whose it is", sid)).attributes);
    const isOwn = record?.connection === c && record.state === "recovering";
    if (!isOwn || without.includes("ownTake")) return "refused";
  }
  if (record === undefined) return "refused";
  yield* list(sid, record, without);
  const { previousN = n } = record;
  yield erase("deletes what the old connection was listed as", ownedKeys(sid, record, [previousN]));
  const completed = yield updateRecord("completes the recovery", sid, {
    update: "SET #state = :connected",
    condition: "n = :n AND #state = :recovering",
    values: { ":connected": "connected", ":recovering": "recovering", ":n": n },
  });
  return completed.ok ? "recovered" : "overtaken";
}

/** Lists all that the record owns under the new connection, each as a command of the record's stamp. */
function* list(
  sid: string,
  { rooms, queries, n, connection }: LedgerRecord,
  without: NonNullable<Limits["without"]>,
): Generator<Step, void, { readonly ok: boolean }> {
  const isConditional = !without.includes("listCondition");
  const stampOf = (stamp: number) => (without.includes("listStamp") ? 2 * n : stamp);
  for (const [room, { stamp }] of Object.entries(rooms)) {
    const item = { ...memberKey(room, sid, n), stamp: stampOf(stamp), address: connection };
    yield putItem(`lists ${room}`, { ...item, recovering: true }, isConditional);
  }
  for (const [queryId, { collection, stamp }] of Object.entries(queries)) {
    const item = { ...queryKey(collection, sid, n, queryId), stamp: stampOf(stamp) };
    yield putItem(`lists ${queryId}`, { ...item, address: connection }, isConditional);
  }
}

/** $disconnect, or a post that found connection `c` gone. */
export function* detach(sid: string, c: string, { without = [] }: Limits): Work {
  const detached = yield updateRecord("detaches the session", sid, {
    update: "SET #state = :detached",
    condition: `${and({ sameConnection: "#connection = :c" }, without)}${without.includes("sameConnection") ? "" : " AND "}#state IN (:connected, :recovering)`,
    values: {
      ":detached": "detached",
      ":connected": "connected",
      ":recovering": "recovering",
      ":c": c,
    },
    returns: "ALL_NEW",
  });
  const record = recordOf(detached.attributes);
  if (record === undefined) return "not its connection";
  yield erase("deletes what it was listed as", ownedKeys(sid, record, [record.n]));
  return "detached";
}

/** A DISCONNECT that came by connection `c`; the end of a session for any other reason has none. */
export function* end(sid: string, { without = [] }: Limits, c?: string): Work {
  const ended = yield updateRecord("ends the session", sid, {
    update: "SET #state = :ended REMOVE spare",
    condition: c === undefined ? LIVES : `${LIVES} AND #connection = :c`,
    values: { ":c": c },
    returns: "ALL_NEW",
  });
  const record = recordOf(ended.attributes);
  if (record === undefined) return "not ended";
  yield erase("deletes what it owned", allKeys(sid, record, without));
  return "ended";
}

/** The last look at a session that ended longer ago than any function runs. */
export function* cleanUp(
  sid: string,
  { without = [] }: Limits,
  when: (view: View) => boolean,
): Work {
  const { attributes } = yield { ...getRecord("reads the ended session", sid), when };
  const record = recordOf(attributes);
  if (record === undefined || record.state !== "ended") return "lives";
  yield erase("deletes what was left", allKeys(sid, record, without));
  yield { label: "deletes the session", call: { action: "delete", key: recordKey(sid) } };
  return "cleaned up";
}

const allKeys = (sid: string, record: LedgerRecord, without: NonNullable<Limits["without"]>) =>
  ownedKeys(
    sid,
    without.includes("tracked") ? { ...record, released: {} } : record,
    without.includes("epochs") ? [record.n] : record.epochs,
  );

/** Forgets tombstones and old connections of a living session below which nothing is under way. */
export function* purge(
  sid: string,
  upTo: number,
  { without = [] }: Limits,
  when: (view: View) => boolean,
): Work {
  const { attributes } = yield { ...getRecord("reads the living session", sid), when };
  const record = recordOf(attributes);
  if (hasEnded(record)) return "gone";
  const over = Object.entries(record.released).filter(([, stamp]) => stamp <= upTo);
  for (const [name, stamp] of over)
    for (const n of record.epochs)
      yield {
        label: `deletes the tombstone of ${name}`,
        call: {
          ...{ action: "delete", key: releasedKey(name, sid, n) },
          ...(!without.includes("purgeStamp") && {
            condition: "stamp <= :stamp",
            values: { ":stamp": stamp },
          }),
        },
      };
  if (over.length > 0) yield forget(sid, over);
  // In production those that the next connection replaced longer ago than any function runs.
  const old = [...record.epochs].filter((n) => n < record.n);
  if (old.length === 0) return "purged";
  yield erase("deletes what old connections were listed as", ownedKeys(sid, record, old));
  yield updateRecord("forgets old connections", sid, {
    update: "DELETE epochs :old",
    condition: LIVES,
    values: { ":old": new Set(old) },
  });
  return "purged";
}

const forget = (sid: string, over: readonly (readonly [string, number])[]): Step =>
  updateRecord("forgets the tombstones", sid, {
    update: `REMOVE ${over.map((_, at) => `released.#r${at}`).join(", ")}`,
    condition: over.map((_, at) => `released.#r${at} = :r${at}`).join(" AND "),
    names: Object.fromEntries(over.map(([name], at) => [`#r${at}`, name])),
    values: Object.fromEntries(over.map(([, stamp], at) => [`:r${at}`, stamp])),
  });
