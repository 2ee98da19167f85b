import { kindOf, type Refused } from "#server/model/session.ts";
import type { Claimed, Ledger, Released } from "./adapter.ts";
import { EXISTS } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import { claim } from "./ledger-claims.ts";
import { type Forget, giveUp, type Kit, purge, purgeEpochs, TRIES } from "./ledger-purge.ts";
import { CHURN, claimUpdate, notNewer, releaseUpdate } from "./ledger-updates.ts";
import { noteOf, type Recorded, type RoomLimits, readLiving, recordOf } from "./session-item.ts";
import { chunks, type Storage, unlessFull } from "./table.ts";

/** Rooms in one update: DynamoDB takes expressions of 4 KB. */
export const ROOMS_AN_UPDATE = 12;

/**
 * What each session owns, in its record: rooms, claims, and what it has released of them not long ago. Each entry
 * carries the stamp of the command that made it, and so does the item that it is the record of; the
 * greater stamp wins in both, in whatever order functions come. The record is written first, under the
 * condition that the session lives, so that whatever breaks off where, it knows of every item there may be.
 */
export function createLedger(storage: Storage, limits: RoomLimits, forget: Forget): Ledger {
  const kit: Kit = { ...storage, limits, forget };
  return {
    async claimRooms(sid, rooms, stamp) {
      const refusal = rooms.length > ROOMS_AN_UPDATE && (await foresee(kit, sid, rooms));
      return refusal || inParts(rooms, (some) => claimRooms(kit, sid, some, stamp));
    },
    releaseRooms: (sid, rooms, stamp) => releaseRooms(kit, sid, rooms, stamp),
    supersede: (sid, kind, stamp) => supersede(kit, sid, kind, stamp),
    claim: (sid, key, place, stamp, max) => claim(kit, sid, { key, place, stamp, max }),
    async purge(session) {
      await purge(kit, session);
      await purgeEpochs(kit, session);
    },
  };
}

/** Refuses many rooms at once, before some of them are noted. */
async function foresee(
  kit: Kit,
  sid: string,
  rooms: readonly string[],
): Promise<Refused | undefined> {
  const known = await readLiving(kit.table, sid);
  if (known === undefined) return "gone";
  const fresh = rooms.filter((room) => !known.roomStamps.has(room));
  return exceeds(known, fresh, kit.limits) ? "full" : undefined;
}

/** Does a command of many rooms in several updates, up to the first that is refused. */
async function inParts(
  rooms: readonly string[],
  command: (some: readonly string[]) => Promise<Claimed | Refused | undefined>,
): Promise<readonly Claimed[] | Refused> {
  const done: Claimed[] = [];
  for (const some of chunks(rooms, ROOMS_AN_UPDATE)) {
    const result = await command(some);
    if (typeof result === "string") return result;
    if (result !== undefined) done.push(result);
  }
  return done;
}

/** Nothing where later commands have decided about all of the rooms. */
async function claimRooms(
  kit: Kit,
  sid: string,
  rooms: readonly string[],
  stamp: number,
): Promise<Claimed | Refused | undefined> {
  const { table, limits } = kit;
  let [left, known] = [rooms, undefined as Recorded | undefined];
  for (let tried = 0; left.length > 0 && tried < TRIES; tried += 1) {
    const update = claimUpdate(left, stamp, limits, known);
    const done = await unlessFull(table.update(sessionKey(sid), update));
    if (done === "full") return "full";
    const session = recordOf(done);
    if (session !== undefined) return { rooms: left, session };
    known = await readLiving(kit.table, sid);
    if (known === undefined) return "gone";
    left = left.filter((room) => !isSuperseded(known, room, stamp));
    const fresh = left.filter((room) => !known?.roomStamps.has(room));
    if (exceeds(known, fresh, limits)) return "full";
    if (isChurning(known, left)) {
      if (!(await purge(kit, known))) return "churning";
      known = undefined;
    }
  }
  return left.length === 0 ? undefined : giveUp("join");
}

async function releaseRooms(
  kit: Kit,
  sid: string,
  rooms: readonly string[],
  stamp: number,
): Promise<Released | "churning"> {
  const { table, limits } = kit;
  let [left, known] = [rooms, undefined as Recorded | undefined];
  for (let tried = 0; left.length > 0 && tried < TRIES; tried += 1) {
    const before = await table.update(sessionKey(sid), releaseUpdate(left, stamp, limits, known));
    if (before !== undefined) return releasedOf(left, stamp, recordOf(before));
    known = await readLiving(kit.table, sid);
    if (known === undefined) return NOTHING;
    left = left.filter((room) => !isSuperseded(known, room, stamp));
    // What it is in can always be left; of anything else there is only so much to remember.
    if (isChurning(known, left)) {
      if (!(await purge(kit, known))) return "churning";
      known = undefined;
    }
  }
  return left.length === 0 ? NOTHING : giveUp("leave");
}

const NOTHING: Released = { had: [], known: [] };

/**
 * Those of the rooms that a socket had, and those of which there may be an item: what an earlier leave has
 * noted and not finished is finished by this one.
 */
function releasedOf(
  rooms: readonly string[],
  stamp: number,
  before: Recorded | undefined,
): Released {
  const stampIn = (room: string) => before?.released.get(noteOf(room));
  const isIn = (room: string) => before?.roomStamps.has(room) === true;
  return {
    // A repeated call finds what the first one has noted.
    had: rooms.filter((room) => isIn(room) || stampIn(room) === stamp),
    known: rooms.filter((room) => isIn(room) || stampIn(room) !== undefined),
    session: before,
  };
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
