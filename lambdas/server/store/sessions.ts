import type { Claims, Listed, Member, StoredSession } from "#server/model/session.ts";
import { kindOf } from "#server/model/session.ts";
import type { Sessions } from "./adapter.ts";
import { EXISTS, expiryAfter, expiryOfEnded } from "./connections.ts";
import { type Key, memberKey, sessionKey, sidOf } from "./keys.ts";
import type { Item, KeyedItem, Storage, Table } from "./table.ts";

/** How many rooms one socket may be in, and how many of some kinds. */
export interface RoomLimits {
  readonly roomsPerSocket: number;
  /** By the kind of a room; those of other kinds only count among all. */
  readonly roomsOfKind?: Readonly<Record<string, number>>;
}

/** The sessions in the table; rooms of a kind that is limited are counted in a set of their own. */
export const createSessions = (storage: Storage, limits: RoomLimits): Sessions => ({
  ...createLives(storage),
  ...createBelongings(storage.table, limits),
});

/** Sessions from CONNECT to their end. */
function createLives({
  table,
  now,
}: Storage): Pick<Sessions, "begin" | "get" | "getAll" | "setData" | "end" | "remove"> {
  return {
    async begin({ sid, connectionId, nsp, ...member }, session, rooms, slot) {
      const item = {
        ...sessionKey(sid),
        ...{ connectionId, nsp, session, slot, rooms: new Set(rooms) },
        ...{ claims: {}, previousClaims: {}, expiresAt: expiryAfter(now()) },
      };
      const items = rooms.map((room) =>
        memberItem({ sid, connectionId, nsp, ...member }, room, now()),
      );
      await table.writeAll([item, ...items], []);
    },

    async get(sid) {
      const stored = storedSession(await table.get(sessionKey(sid)));
      return stored?.endedAt === undefined ? stored : undefined;
    },

    getAll: async (sids) =>
      (await table.getAll(sids.map(sessionKey))).flatMap((item) => storedSession(item) ?? []),

    async setData(sid, data) {
      await table.update(sessionKey(sid), {
        update: "SET #session.#data = :data",
        condition: EXISTS,
        names: { "#session": "session", "#data": "data" },
        values: { ":data": data },
      });
    },

    async end(sid) {
      const ended = await table.update(sessionKey(sid), {
        update: "SET endedAt = :now, expiresAt = :expiry",
        condition: EXISTS,
        values: { ":now": now(), ":expiry": expiryOfEnded(now()) },
        returns: "ALL_NEW",
      });
      return storedSession(ended);
    },

    remove: (sids) => table.writeAll([], sids.map(sessionKey)),
  };
}

/** What belongs to a session: the rooms that it is in, and what the application keeps for it. */
function createBelongings(
  table: Table,
  limits: RoomLimits,
): Pick<Sessions, "addRooms" | "removeRooms" | "forgetLeft" | "claim"> {
  return {
    async addRooms(sid, rooms, fresh) {
      const sets = setsOf(rooms, limits);
      const full = sets.kinds.map(({ name, value, kind, max }) => ({
        condition: `(attribute_not_exists(${name}) OR size(${name}) <= ${value}Max)`,
        value: [`${value}Max`, max - fresh.filter((room) => kindOf(room) === kind).length] as const,
      }));
      const added = await table.update(sessionKey(sid), {
        update: `ADD ${sets.expression} DELETE #left :rooms`,
        condition: [
          `${EXISTS} AND (attribute_not_exists(rooms) OR size(rooms) <= :max)`,
          ...full.map(({ condition }) => condition),
        ].join(" AND "),
        names: { ...sets.names, "#left": "left" },
        values: {
          ...sets.values,
          ":max": limits.roomsPerSocket - fresh.length,
          ...Object.fromEntries(full.map(({ value }) => value)),
        },
      });
      return added !== undefined;
    },

    async removeRooms(sid, rooms, now) {
      const sets = setsOf(rooms, limits);
      const before = await table.update(sessionKey(sid), {
        update: `DELETE ${sets.expression} ADD #left :rooms SET leftAt = :now`,
        condition: EXISTS,
        names: { ...sets.names, "#left": "left" },
        values: { ...sets.values, ":now": now },
        returns: "UPDATED_OLD",
      });
      return (before?.rooms as ReadonlySet<string> | undefined) ?? new Set();
    },

    async forgetLeft(sid, rooms, leftAt) {
      await table.update(sessionKey(sid), {
        update: "DELETE #left :rooms",
        condition: `${EXISTS} AND leftAt = :leftAt`,
        names: { "#left": "left" },
        values: { ":rooms": new Set(rooms), ":leftAt": leftAt },
      });
    },

    async claim(sid, key, value, max) {
      const replaced = await table.update(sessionKey(sid), {
        update:
          "SET claims.#key = :value, previousClaims.#key = if_not_exists(claims.#key, :value)",
        condition: `${EXISTS} AND (attribute_exists(claims.#key) OR size(claims) < :max)`,
        names: { "#key": noteOf(key) },
        values: { ":value": value, ":max": max },
        returns: "UPDATED_OLD",
      });
      const claims = replaced?.claims as Record<string, unknown> | undefined;
      return replaced && { previous: claims?.[noteOf(key)] };
    },
  };
}

/** The item by which a room lists a socket. */
export const memberItem = (
  { sid, connectionId, tenant, nsp, userId, tags }: Member,
  room: string,
  now: number,
): KeyedItem => ({
  ...memberKey({ tenant, nsp, room }, sid),
  ...{ address: connectionId, userId, joinedAt: now },
  ...(tags?.[room] !== undefined && { tags: tags[room] }),
  expiresAt: expiryAfter(now),
});

/** The member that an item is of. */
export const listed = ({ sk, address, userId, tags }: Item): Listed => ({
  sid: String(sk),
  connectionId: String(address),
  userId: String(userId),
  tags: tags as Listed["tags"],
});

/** The session that an item is of. */
function storedSession(item: Item | undefined): StoredSession | undefined {
  if (item === undefined) return undefined;
  const { rooms, left, claims, previousClaims, ...stored } = item as unknown as Stored;
  return {
    ...stored,
    sid: sidOf(stored),
    rooms: [...(rooms ?? [])],
    left: [...(left ?? [])],
    claims: withoutNotes(claims),
    previousClaims: withoutNotes(previousClaims),
  };
}

/** How a key is noted: as it is, one like `__proto__` would be lost in an object. */
const noteOf = (key: string): string => `=${key}`;

const withoutNotes = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).map(([note, value]) => [note.slice(1), value]));

type Stored = Key &
  Omit<StoredSession, "sid" | "rooms" | "left"> & {
    readonly rooms?: ReadonlySet<string>;
    readonly left?: ReadonlySet<string>;
  };

/** The set in which a session counts its rooms of a kind that is limited. */
const setOf = (kind: string): string => `rooms of ${kind}`;

/** Rooms in the terms of an update: among all, and in the sets of those kinds that are limited. */
function setsOf(rooms: readonly string[], { roomsOfKind = {} }: RoomLimits) {
  const kinds = Object.entries(roomsOfKind).flatMap(([kind, max], index) => {
    const some = rooms.filter((room) => kindOf(room) === kind);
    return some.length === 0
      ? []
      : [{ kind, max, name: `#set${index}`, value: `:set${index}`, some }];
  });
  return {
    kinds,
    expression: ["rooms :rooms", ...kinds.map(({ name, value }) => `${name} ${value}`)].join(", "),
    names: Object.fromEntries(kinds.map(({ name, kind }) => [name, setOf(kind)])),
    values: {
      ":rooms": new Set(rooms),
      ...Object.fromEntries(kinds.map(({ value, some }) => [value, new Set(some)])),
    },
  };
}
