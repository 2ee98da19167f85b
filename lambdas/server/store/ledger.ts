import { LATEST_WRITE } from "#server/model/limits.ts";
import { type Claim, kindOf, type Refused, type StoredSession } from "#server/model/session.ts";
import type { Ledger } from "./adapter.ts";
import { EXISTS } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import { CHURN, claimUpdate, notNewer, releaseUpdate } from "./ledger-updates.ts";
import {
  claimNote,
  noteOf,
  type Recorded,
  type RoomLimits,
  recordOf,
  releasedIn,
  stampOf,
} from "./session-item.ts";
import { type Item, type Storage, unlessFull } from "./table.ts";

/** Rooms in one update: DynamoDB takes expressions of 4 KB. */
const ROOMS_AN_UPDATE = 20;

/** Tries of a command that finds the record changed each time it has read why it was refused. */
const TRIES = 5;

/** Entries of `released`, old enough to be forgotten, for which a command takes the time, and how many it takes. */
const [PURGED_FROM, PURGED_AT_ONCE] = [15, 20];

/** Deletes what belongs to rooms and claims that a session has released, unless its stamp is above `upTo`. */
export type Forget = (
  session: StoredSession,
  released: { readonly rooms: readonly string[]; readonly claims: readonly Claim[] },
  upTo: number,
) => Promise<void>;

interface Kit extends Storage {
  readonly limits: RoomLimits;
  readonly forget: Forget;
}

/**
 * What each session owns, in its record: rooms, claims, and what it has released of them not long ago. Each entry
 * carries the stamp of the command that made it, and so does the item that it is the record of; the
 * greater stamp wins in both, in whatever order functions come. The record is written first, under the
 * condition that the session lives, so that whatever breaks off where, it knows of every item there may be.
 */
export function createLedger(storage: Storage, limits: RoomLimits, forget: Forget): Ledger {
  const kit: Kit = { ...storage, limits, forget };
  return {
    claimRooms: (sid, rooms, stamp) => inParts(rooms, (some) => claimRooms(kit, sid, some, stamp)),
    releaseRooms: (sid, rooms, stamp) =>
      inParts(rooms, (some) => releaseRooms(kit, sid, some, stamp)),
    supersede: (sid, kind, stamp) => supersede(kit, sid, kind, stamp),
    claim: (sid, key, place, stamp, max) => claim(kit, sid, { key, place, stamp, max }),
  };
}

/** Does a command of many rooms in several updates, up to the first that is refused. */
async function inParts<Refusal extends string>(
  rooms: readonly string[],
  command: (some: readonly string[]) => Promise<readonly string[] | Refusal>,
): Promise<readonly string[] | Refusal> {
  const done: string[] = [];
  for (let start = 0; start < rooms.length; start += ROOMS_AN_UPDATE) {
    const result = await command(rooms.slice(start, start + ROOMS_AN_UPDATE));
    if (typeof result === "string") return result;
    done.push(...result);
  }
  return done;
}

async function claimRooms(
  kit: Kit,
  sid: string,
  rooms: readonly string[],
  stamp: number,
): Promise<readonly string[] | Refused> {
  const { table, limits } = kit;
  let [left, known] = [rooms, undefined as Recorded | undefined];
  for (let tried = 0; left.length > 0 && tried < TRIES; tried += 1) {
    const update = claimUpdate(left, stamp, limits, known);
    const done = await unlessFull(table.update(sessionKey(sid), update));
    if (done === "full") return "full";
    if (done !== undefined) return left;
    known = await read(kit, sid);
    if (known === undefined) return "gone";
    left = left.filter((room) => !isSuperseded(known, room, stamp));
    const fresh = left.filter((room) => !known?.roomStamps.has(room));
    if (exceeds(known, fresh, limits)) return "full";
    if (isChurning(known, left)) {
      if (!(await purge(kit, known))) return "churning";
      known = undefined;
    }
  }
  return left.length === 0 ? [] : giveUp("join");
}

async function releaseRooms(
  kit: Kit,
  sid: string,
  rooms: readonly string[],
  stamp: number,
): Promise<readonly string[] | "churning"> {
  const { table, limits } = kit;
  let [left, known] = [rooms, undefined as Recorded | undefined];
  for (let tried = 0; left.length > 0 && tried < TRIES; tried += 1) {
    const before = await table.update(sessionKey(sid), releaseUpdate(left, stamp, limits, known));
    if (before !== undefined) return had(kit, left, stamp, before);
    known = await read(kit, sid);
    if (known === undefined) return [];
    left = left.filter((room) => !isSuperseded(known, room, stamp));
    // What it is in can always be left; of anything else there is only so much to remember.
    if (isChurning(known, left)) {
      if (!(await purge(kit, known))) return "churning";
      known = undefined;
    }
  }
  return left.length === 0 ? [] : giveUp("leave");
}

/** Those of the rooms that a socket had, or may have had: of any other there is no item. */
async function had(
  kit: Kit,
  rooms: readonly string[],
  stamp: number,
  before: Item,
): Promise<readonly string[]> {
  const known = recordOf(before);
  if (known === undefined) return [];
  const notes = new Set(rooms.map(noteOf));
  const others = new Map([...known.released].filter(([note]) => !notes.has(note)));
  const rest = { ...known, released: others };
  if (stale(kit, rest).length >= PURGED_FROM) await purge(kit, rest);
  const wasRepeated = (room: string) => known.released.get(noteOf(room)) === stamp;
  return rooms.filter((room) => known.roomStamps.has(room) || wasRepeated(room));
}

async function supersede(
  { table }: Kit,
  sid: string,
  kind: string,
  stamp: number,
): Promise<readonly string[]> {
  const after = await table.update(sessionKey(sid), {
    update: "SET kinds.#kind = :stamp",
    condition: `${EXISTS} AND ${notNewer("kinds.#kind")}`,
    names: { "#kind": kind },
    values: { ":stamp": stamp },
    ...{ returns: "ALL_NEW", isRepeatable: true },
  });
  const { rooms = [], roomStamps = new Map() } = recordOf(after) ?? {};
  return rooms.filter((room) => kindOf(room) === kind && Number(roomStamps.get(room)) <= stamp);
}

/** A claim on its way: where something of this key is to be kept. */
interface Wanted {
  readonly key: string;
  readonly place: string;
  readonly stamp: number;
  readonly max: number;
}

async function claim(kit: Kit, sid: string, wanted: Wanted): ReturnType<Ledger["claim"]> {
  const { key, place, stamp, max } = wanted;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const kept = await unlessFull(kit.table.update(sessionKey(sid), placing(wanted)));
    if (kept === "full") return "full";
    if (kept !== undefined) return { stamp };
    const known = await read(kit, sid);
    if (known === undefined) return "gone";
    const held = known.claims.find((one) => one.key === key);
    if (held === undefined && known.claims.length >= max) return "full";
    const isLater = Number(known.released.get(claimNote(key, place))) > stamp;
    if (isLater || (held !== undefined && !wins(wanted, held))) return undefined;
    if (held === undefined || held.place === place) continue;
    const moved = await unlessFull(kit.table.update(sessionKey(sid), moving(wanted, held)));
    if (moved === "full") return "full";
    if (moved !== undefined) return { stamp, moved: held.place };
    if (known.released.size >= CHURN && !(await purge(kit, known))) return "churning";
  }
  return giveUp("claim");
}

const namesOf = ({ key, place }: Wanted) => ({
  "#key": noteOf(key),
  "#item": claimNote(key, place),
});

/** Notes a claim that is new, or stays where it was. */
const placing = (wanted: Wanted) => ({
  update: "SET claims.#key = :entry REMOVE released.#item",
  condition: `${EXISTS} AND ${notNewer("released.#item")} AND ((attribute_not_exists(claims.#key) AND size(claims) < :max) OR (claims.#key.place = :place AND claims.#key.stamp <= :stamp))`,
  names: namesOf(wanted),
  values: {
    ...{ ":entry": { place: wanted.place, stamp: wanted.stamp }, ":place": wanted.place },
    ...{ ":stamp": wanted.stamp, ":max": wanted.max },
  },
  isRepeatable: true,
});

/** Notes a claim that was at another place, of which the record knows as long as something may be there. */
const moving = (wanted: Wanted, held: Claim & { readonly stamp: number }) => ({
  update: "SET claims.#key = :entry, released.#old = :released REMOVE released.#item",
  condition: `${EXISTS} AND ${notNewer("released.#item")} AND claims.#key.place = :seen AND claims.#key.stamp = :seenStamp AND (attribute_exists(released.#old) OR size(released) < :churn)`,
  names: { ...namesOf(wanted), "#old": claimNote(wanted.key, held.place) },
  values: {
    ...{ ":entry": { place: wanted.place, stamp: wanted.stamp }, ":stamp": wanted.stamp },
    ...{ ":released": wanted.stamp + 1, ":churn": CHURN },
    ...{ ":seen": held.place, ":seenStamp": held.stamp },
  },
});

/** Of two claims of one time the greater place wins, whichever comes first. */
const wins = (
  one: { readonly place: string; readonly stamp: number },
  other: { readonly place: string; readonly stamp: number },
): boolean => one.stamp > other.stamp || (one.stamp === other.stamp && one.place >= other.place);

/** The record of a session that lives. */
async function read({ table }: Kit, sid: string): Promise<Recorded | undefined> {
  const known = recordOf(await table.get(sessionKey(sid)));
  return known?.endedAt === undefined ? known : undefined;
}

function giveUp(command: string): never {
  throw new Error(`a session changed each time that a ${command} was tried`);
}

function stale(
  { now }: Kit,
  { released }: Recorded,
): readonly (readonly [note: string, stamp: number])[] {
  const before = stampOf(now() - LATEST_WRITE);
  return [...released].filter(([, stamp]) => stamp < before);
}

/** Forgets what was released so long ago that no command before it can still come; `false` where there is nothing such. */
async function purge(kit: Kit, known: Recorded): Promise<boolean> {
  const entries = stale(kit, known).slice(0, PURGED_AT_ONCE);
  if (entries.length === 0) return false;
  const notes = entries.map(([note]) => note);
  await kit.forget(known, releasedIn(notes), Math.max(...entries.map(([, stamp]) => stamp)));
  const paths = entries.map((_, index) => `released.#n${index}`);
  await kit.table.update(sessionKey(known.sid), {
    update: `REMOVE ${paths.join(", ")}`,
    condition: paths
      .map((path, index) => `(attribute_not_exists(${path}) OR ${path} = :n${index})`)
      .join(" AND "),
    names: Object.fromEntries(notes.map((note, index) => [`#n${index}`, note])),
    values: Object.fromEntries(entries.map(([, stamp], index) => [`:n${index}`, stamp])),
    isRepeatable: true,
  });
  return true;
}

/** Whether a session has released so much of late that it cannot remember these rooms besides. */
const isChurning = (known: Recorded, rooms: readonly string[]): boolean => {
  const unknown = rooms.filter(
    (room) => !known.roomStamps.has(room) && !known.released.has(noteOf(room)),
  );
  return unknown.length > 0 && known.released.size + unknown.length > CHURN;
};

/** Whether a later command has decided about a room already. */
const isSuperseded = (known: Recorded | undefined, room: string, stamp: number): boolean =>
  Number(known?.roomStamps.get(room)) > stamp ||
  Number(known?.released.get(noteOf(room))) > stamp ||
  Number(known?.kinds[kindOf(room)]) > stamp;

/** Whether a session with so many fresh rooms would be in more than it may. */
function exceeds(
  { roomStamps }: Recorded,
  fresh: readonly string[],
  { roomsPerSocket, roomsOfKind = {} }: RoomLimits,
): boolean {
  const rooms = [...roomStamps.keys(), ...fresh];
  const count = (kind: string, some: readonly string[]) =>
    some.filter((room) => kindOf(room) === kind).length;
  return (
    (fresh.length > 0 && rooms.length > roomsPerSocket) ||
    Object.entries(roomsOfKind).some(
      ([kind, max]) => count(kind, fresh) > 0 && count(kind, rooms) > max,
    )
  );
}
