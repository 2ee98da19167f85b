import { and, getRecord, LIVES, type Limits, putItem, updateRecord } from "./calls.ts";
import type { Work } from "./explore.ts";
import { hasEnded, type LedgerRecord, memberKey, stampOf } from "./keys.ts";

const TRIES = 4;

/** Why a command was refused; nothing where it would not be refused now. */
function reasonOf(
  record: LedgerRecord | undefined,
  room: string,
  stamp: number,
  { max = 200, churn = 100 }: Limits,
  isRelease = false,
): string | undefined {
  if (hasEnded(record)) return "gone";
  const { rooms, released } = record;
  if ((rooms[room]?.stamp ?? 0) > stamp || (released[room] ?? 0) > stamp) return "superseded";
  if (rooms[room] !== undefined) return undefined;
  if (!isRelease && Object.keys(rooms).length >= max) return "full";
  if (released[room] === undefined && Object.keys(released).length >= churn) return "churn";
  return undefined;
}

const CHURN = "(attribute_exists(released.#key) OR size(released) < :churn)";
const NOT_RELEASED_LATER = "(attribute_not_exists(released.#key) OR released.#key <= :stamp)";

/** Notes a room that the session is not in. */
const enter = (
  sid: string,
  room: string,
  at: number,
  { max = 200, churn = 100, without }: Limits,
) =>
  updateRecord(`notes ${room}`, sid, {
    update: "SET rooms.#key = :entry REMOVE released.#key",
    condition: `${and(
      { lives: LIVES, max: "size(rooms) < :max", released: NOT_RELEASED_LATER, churn: CHURN },
      without,
    )} AND attribute_not_exists(rooms.#key)`,
    names: { "#key": room },
    values: {
      ":stamp": stampOf(at, false),
      ":entry": { stamp: stampOf(at, false), since: at },
      ...{ ":max": max, ":churn": churn },
    },
    returns: "ALL_NEW",
  });

/** Notes a later join of a room that the session is in: since when it is stays as it was. */
const enterAgain = (sid: string, room: string, at: number, { without }: Limits) =>
  updateRecord(`notes ${room} again`, sid, {
    update: "SET rooms.#key.stamp = :stamp",
    condition: `${and({ lives: LIVES, claimed: "rooms.#key.stamp <= :stamp" }, without)} AND attribute_exists(rooms.#key)`,
    names: { "#key": room },
    values: { ":stamp": stampOf(at, false) },
    returns: "ALL_NEW",
  });

/** The second half of a join: nothing is listed of a session that is detached, its recovery will. */
function* putMember(
  sid: string,
  room: string,
  stamp: number,
  { n, connection, state }: LedgerRecord,
  { without = [] }: Limits,
  by: number,
): Work {
  if (state === "detached") return "claimed";
  const key = memberKey(room, sid, without.includes("recordKey") ? by : n);
  const item = { ...key, stamp, address: connection };
  const put = yield putItem(`puts the member of ${room}`, item, !without.includes("itemStamp"));
  return put.ok ? "claimed" : "superseded";
}

/** Joins a room: in the record first, under the connection that the record says then. */
export function* claim(sid: string, room: string, at: number, limits: Limits, by = 1): Work {
  const stamp = stampOf(at, false);
  let record: LedgerRecord | undefined;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const isIn = record?.rooms[room] !== undefined;
    const noted = yield isIn ? enterAgain(sid, room, at, limits) : enter(sid, room, at, limits);
    record = (noted.ok ? noted : yield getRecord("looks why", sid)).attributes as typeof record;
    // It is noted, too, if the answer to that was lost.
    const isNoted = noted.ok || (!hasEnded(record) && record.rooms[room]?.stamp === stamp);
    if (isNoted && record) return yield* putMember(sid, room, stamp, record, limits, by);
    const reason = reasonOf(record, room, stamp, limits);
    if (reason) return reason;
  }
  return "busy";
}

/** Leaves a room: in the record first, and with a tombstone where an item is or may come. */
export function* release(sid: string, room: string, at: number, limits: Limits, by = 1): Work {
  const { churn = 100, without = [] } = limits;
  const stamp = stampOf(at, true);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const noted = yield updateRecord(`notes that ${room} was left`, sid, {
      update: "SET released.#key = :stamp REMOVE rooms.#key",
      condition: and(
        {
          lives: LIVES,
          claimed: "(attribute_not_exists(rooms.#key) OR rooms.#key.stamp <= :stamp)",
          released: NOT_RELEASED_LATER,
          churn: `(attribute_exists(rooms.#key) OR ${CHURN.slice(1)}`,
        },
        without,
      ),
      names: { "#key": room },
      values: { ":stamp": stamp, ":churn": churn },
      returns: "ALL_OLD",
    });
    if (noted.ok) {
      const { rooms, released, n, state } = noted.attributes as LedgerRecord;
      // What was in neither has no item, and no claim of it is between its two calls.
      const isKnown = rooms[room] !== undefined || released[room] !== undefined;
      if (!isKnown || state === "detached") return "released";
      const key = memberKey(room, sid, without.includes("recordKey") ? by : n);
      if (without.includes("tombstone")) {
        yield { label: `deletes the member of ${room}`, call: { action: "delete", key } };
        return "released";
      }
      const item = { ...key, stamp, released: true };
      const put = yield putItem(
        `puts a tombstone for ${room}`,
        item,
        !without.includes("itemStamp"),
      );
      return put.ok ? "released" : "superseded";
    }
    const { attributes } = yield getRecord("looks why", sid);
    const reason = reasonOf(attributes as LedgerRecord | undefined, room, stamp, limits, true);
    if (reason) return reason;
  }
  return "busy";
}
