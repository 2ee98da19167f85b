import { kindOf, MAIN } from "#server/model/session.ts";
import type { Connections } from "./adapter.ts";
import { createEndings, createHeldParts } from "./connection-endings.ts";
import {
  connectionOf,
  EXISTS,
  IN_SESSION,
  noteOf,
  type Part,
  type RoomLimits,
  SESSION,
  setOf,
} from "./connection-item.ts";
import { connectionKey, SHARD_INDEX, socketKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Seconds after which a connection's items are surely dead: API Gateway's 2 hours and some slack. */
const LIFETIME = 2 * 3600 + 600;

/** Epoch seconds at which what belongs to a connection may be removed by DynamoDB itself. */
export const expiryAfter = (now: number): number => Math.floor(now / 1000) + LIFETIME;

/** What an item has before anything is kept in it. */
const EMPTY = { claims: {}, previousClaims: {} };

/** The connections in the table; rooms of a kind that is limited are counted in a set of their own. */
export const createConnections = (table: Table, limits: RoomLimits): Connections => ({
  ...createSessions(table, limits),
  ...createBelongings(table, limits),
  ...createEndings(table, limits),
  ...createHeldParts(table),
});

/** Connections and their sessions, from the upgrade on. */
function createSessions(
  table: Table,
  limits: RoomLimits,
): Part<"add" | "get" | "getAll" | "begin" | "setData" | "touch" | "inShard"> {
  return {
    add: (connectionId, connectedAt, handshake) =>
      table.put({
        ...connectionKey(connectionId),
        ...EMPTY,
        connectedAt,
        lastSeenAt: connectedAt,
        shard: shardOf(connectionId, limits.shards),
        expiresAt: expiryAfter(connectedAt),
        handshake,
        parts: [],
        partChanges: 0,
        namespaces: {},
      }),

    async get(socket) {
      const connection = connectionOf(await table.get(socketKey(socket)));
      return connection?.endedAt === undefined ? connection : undefined;
    },

    getAll: async (sockets) =>
      (await table.getAll(sockets.map(socketKey))).flatMap((item) => connectionOf(item) ?? []),

    async begin(socket, session, rooms, slot) {
      if (socket.nsp !== MAIN) return beginBeside(table, socket, session, rooms, slot);
      const begun = await table.update(socketKey(socket), {
        update: `SET #session = :session, rooms = :rooms${slot === undefined ? "" : ", slot = :slot"}${limits.hasNamespaces === true ? "" : " REMOVE handshake"}`,
        condition: `${EXISTS} AND attribute_not_exists(#session)`,
        names: SESSION,
        values: {
          ":session": session,
          ":rooms": new Set(rooms),
          ...(slot !== undefined && { ":slot": slot }),
        },
      });
      return begun !== undefined;
    },

    async setData(socket, data) {
      await table.update(socketKey(socket), {
        update: "SET #session.#data = :data",
        condition: IN_SESSION,
        names: { ...SESSION, "#data": "data" },
        values: { ":data": data },
      });
    },

    async touch(connectionId, now, sessionDue) {
      const touched = await table.update(connectionKey(connectionId), {
        update: "SET lastSeenAt = :now",
        condition: `${EXISTS} AND (attribute_exists(#session) OR connectedAt > :due OR size(namespaces) > :none)`,
        names: SESSION,
        values: { ":now": now, ":due": sessionDue, ":none": 0 },
        returns: "ALL_NEW",
      });
      return connectionOf(touched);
    },

    async inShard(shard, from) {
      const keys = await table.page(shardQuery(shard, from));
      const items = await table.getAll(
        keys.items.map(({ pk }) => ({ pk: String(pk), sk: "conn" })),
      );
      return {
        connections: items.flatMap((item) => connectionOf(item) ?? []),
        next: keys.last && String(keys.last.pk),
      };
    },
  };
}

/** A session of another namespace is noted on the connection before it has an item: what ends the connection finds it. */
async function beginBeside(
  table: Table,
  ...[socket, session, rooms, slot]: Parameters<Connections["begin"]>
): Promise<boolean> {
  const { connectionId, nsp } = socket;
  const noted = await table.update(connectionKey(connectionId), {
    update: "SET namespaces.#nsp = :noted",
    condition: `${EXISTS} AND attribute_not_exists(namespaces.#nsp)`,
    names: { "#nsp": nsp },
    values: { ":noted": { sid: session.id, expiresAt: session.expiresAt } },
    returns: "ALL_NEW",
  });
  if (noted === undefined) return false;
  const { connectedAt, expiresAt } = noted;
  const item = { ...socketKey(socket), ...EMPTY, connectedAt, expiresAt };
  await table.put({ ...item, session, rooms: new Set(rooms), slot });
  return true;
}

/** What belongs to a socket: the rooms that it is in, and what the application keeps for it. */
function createBelongings(
  table: Table,
  limits: RoomLimits,
): Part<"addRooms" | "removeRooms" | "forgetLeft" | "claim"> {
  return {
    async addRooms(socket, rooms, fresh) {
      const sets = setsOf(rooms, limits);
      const full = sets.kinds.map(({ name, value, kind, max }) => ({
        condition: `(attribute_not_exists(${name}) OR size(${name}) <= ${value}Max)`,
        value: [`${value}Max`, max - fresh.filter((room) => kindOf(room) === kind).length] as const,
      }));
      const added = await table.update(socketKey(socket), {
        update: `ADD ${sets.expression} DELETE #left :rooms`,
        condition: [
          `${IN_SESSION} AND (attribute_not_exists(rooms) OR size(rooms) <= :max)`,
          ...full.map(({ condition }) => condition),
        ].join(" AND "),
        names: { ...SESSION, ...sets.names, "#left": "left" },
        values: {
          ...sets.values,
          ":max": limits.roomsPerSocket - fresh.length,
          ...Object.fromEntries(full.map(({ value }) => value)),
        },
      });
      return added !== undefined;
    },

    async removeRooms(socket, rooms, now) {
      const sets = setsOf(rooms, limits);
      const before = await table.update(socketKey(socket), {
        update: `DELETE ${sets.expression} ADD #left :rooms SET leftAt = :now`,
        condition: EXISTS,
        names: { ...sets.names, "#left": "left" },
        values: { ...sets.values, ":now": now },
        returns: "UPDATED_OLD",
      });
      return (before?.rooms as ReadonlySet<string> | undefined) ?? new Set();
    },

    async forgetLeft(socket, rooms, leftAt) {
      await table.update(socketKey(socket), {
        update: "DELETE #left :rooms",
        condition: `${EXISTS} AND leftAt = :leftAt`,
        names: { "#left": "left" },
        values: { ":rooms": new Set(rooms), ":leftAt": leftAt },
      });
    },

    async claim(socket, key, value, max) {
      const replaced = await table.update(socketKey(socket), {
        update:
          "SET claims.#key = :value, previousClaims.#key = if_not_exists(claims.#key, :value)",
        condition: `${IN_SESSION} AND (attribute_exists(claims.#key) OR size(claims) < :max)`,
        names: { ...SESSION, "#key": noteOf(key) },
        values: { ":value": value, ":max": max },
        returns: "UPDATED_OLD",
      });
      const claims = replaced?.claims as Record<string, unknown> | undefined;
      return replaced && { previous: claims?.[noteOf(key)] };
    },
  };
}

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

/** Connections that one function visits; what comes after them is another's. */
const CONNECTIONS_A_PAGE = 1000;

const shardQuery = (shard: number, from: string | undefined) => ({
  IndexName: SHARD_INDEX,
  KeyConditionExpression: from === undefined ? "#shard = :shard" : "#shard = :shard AND pk > :from",
  ExpressionAttributeNames: { "#shard": "shard" },
  ExpressionAttributeValues: { ":shard": shard, ...(from !== undefined && { ":from": from }) },
  Limit: CONNECTIONS_A_PAGE,
});

const shardOf = (connectionId: string, shards: number): number =>
  Buffer.from(connectionId).reduce((hash, byte) => (hash * 31 + byte) % 65_536, 0) % shards;
