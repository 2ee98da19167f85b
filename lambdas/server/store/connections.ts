import { type BinaryPart, kindOf, MAIN } from "#server/model/session.ts";
import type { Connections } from "./adapter.ts";
import { connectionOf, noteOf } from "./connection-item.ts";
import { connectionKey, SHARD_INDEX, socketKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Seconds after which a connection's items are surely dead: API Gateway's 2 hours and some slack. */
const LIFETIME = 2 * 3600 + 600;

/** Epoch seconds at which what belongs to a connection may be removed by DynamoDB itself. */
export const expiryAfter = (now: number): number => Math.floor(now / 1000) + LIFETIME;

/** The same for a connection that has ended: the sweep comes long before. */
const expiryOfEnded = (now: number): number => Math.floor(now / 1000) + 1800;

/** How many rooms one socket may be in, how many of some kinds, and the shards of the sweep. */
export interface RoomLimits {
  readonly roomsPerSocket: number;
  /** By the kind of a room; those of other kinds only count among all. */
  readonly roomsOfKind?: Readonly<Record<string, number>>;
  readonly shards: number;
  /** Whether a connection may have sockets in several namespaces. */
  readonly hasNamespaces?: boolean;
}

const EXISTS = "attribute_exists(pk) AND attribute_not_exists(endedAt)";
const IN_SESSION = `${EXISTS} AND attribute_exists(#session)`;
const SESSION = { "#session": "session" };

/** What an item has before anything is kept in it. */
const EMPTY = { claims: {}, previousClaims: {} };

/** The connections in the table; rooms of a kind that is limited are counted in a set of their own. */
export function createConnections(table: Table, limits: RoomLimits): Connections {
  const limited = Object.entries(limits.roomsOfKind ?? {});
  const connections: Connections = {
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
      if (socket.nsp !== MAIN) return beginBeside(socket, session, rooms, slot);
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

    async addRooms(socket, rooms, fresh) {
      const sets = setsOf(rooms);
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
      const sets = setsOf(rooms);
      const before = await table.update(socketKey(socket), {
        update: `DELETE ${sets.expression} ADD #left :rooms SET leftAt = :now`,
        condition: EXISTS,
        names: { ...sets.names, "#left": "left" },
        values: { ...sets.values, ":now": now },
        returns: "UPDATED_OLD",
      });
      return (before?.rooms as ReadonlySet<string> | undefined) ?? new Set();
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

    async addPart(connectionId, part) {
      const held = await table.update(connectionKey(connectionId), {
        update: "SET parts = list_append(parts, :part) ADD partChanges :one",
        condition: `${EXISTS} AND (attribute_exists(#session) OR size(namespaces) > :none)`,
        names: SESSION,
        values: { ":part": [part], ":one": 1, ":none": 0 },
        returns: "UPDATED_NEW",
      });
      return held?.parts as readonly BinaryPart[] | undefined;
    },

    async takeParts(connectionId, partChanges, rest) {
      const taken = await table.update(connectionKey(connectionId), {
        update: "SET parts = :rest ADD partChanges :one",
        condition: `${EXISTS} AND partChanges = :seen`,
        values: { ":seen": partChanges, ":rest": rest, ":one": 1 },
      });
      return taken !== undefined;
    },

    async end(connectionId, now) {
      const ended = await table.update(connectionKey(connectionId), {
        update: "SET endedAt = :now, expiresAt = :expiry",
        condition: EXISTS,
        values: { ":now": now, ":expiry": expiryOfEnded(now) },
        returns: "ALL_NEW",
      });
      return connectionOf(ended);
    },

    async endBeside(socket, now) {
      const ended = await table.update(socketKey(socket), {
        update: "SET endedAt = :now",
        condition: EXISTS,
        values: { ":now": now },
        returns: "ALL_NEW",
      });
      return connectionOf(ended);
    },

    async forgetBeside({ session, endedAt: _, ...socket }) {
      const sid = session?.id ?? "";
      await table.remove(socketKey(socket), {
        condition: "#session.id = :sid",
        names: SESSION,
        values: { ":sid": sid },
      });
      await table.update(connectionKey(socket.connectionId), {
        update: "REMOVE namespaces.#nsp",
        condition: "namespaces.#nsp.sid = :sid",
        names: { "#nsp": socket.nsp },
        values: { ":sid": sid },
      });
    },

    async leaveMain(connectionId, sid) {
      const key = { connectionId, nsp: MAIN };
      const sets = limited.map(([kind], index) => [`#set${index}`, setOf(kind)] as const);
      const removed = ["#session", "rooms", "#left", "slot", ...sets.map(([name]) => name)];
      const left = await table.update(socketKey(key), {
        update: `SET claims = :none, previousClaims = :none REMOVE ${removed.join(", ")}`,
        condition: `${EXISTS} AND #session.id = :sid AND size(namespaces) > :zero`,
        names: { ...SESSION, "#left": "left", ...Object.fromEntries(sets) },
        values: { ":none": {}, ":sid": sid, ":zero": 0 },
        returns: "ALL_OLD",
      });
      return connectionOf(left);
    },

    async remove({ connectionId, namespaces }) {
      const others = Object.keys(namespaces).map((nsp) => socketKey({ connectionId, nsp }));
      const main = connectionKey(connectionId);
      if (others.length === 0) await table.remove(main);
      else await table.writeAll([], [...others, main]);
    },

    async forgetLeft(socket, rooms, leftAt) {
      await table.update(socketKey(socket), {
        update: "DELETE #left :rooms",
        condition: `${EXISTS} AND leftAt = :leftAt`,
        names: { "#left": "left" },
        values: { ":rooms": new Set(rooms), ":leftAt": leftAt },
      });
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
  return connections;

  /** A session of another namespace is noted on the connection before it has an item: what ends the connection finds it. */
  async function beginBeside(...[socket, session, rooms, slot]: Parameters<Connections["begin"]>) {
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

  /** Rooms in the terms of an update: among all, and in the sets of those kinds that are limited. */
  function setsOf(rooms: readonly string[]) {
    const kinds = limited.flatMap(([kind, max], index) => {
      const some = rooms.filter((room) => kindOf(room) === kind);
      return some.length === 0
        ? []
        : [{ kind, max, name: `#set${index}`, value: `:set${index}`, some }];
    });
    return {
      kinds,
      expression: ["rooms :rooms", ...kinds.map(({ name, value }) => `${name} ${value}`)].join(
        ", ",
      ),
      names: Object.fromEntries(kinds.map(({ name, kind }) => [name, setOf(kind)])),
      values: {
        ":rooms": new Set(rooms),
        ...Object.fromEntries(kinds.map(({ value, some }) => [value, new Set(some)])),
      },
    };
  }
}

const setOf = (kind: string): string => `rooms of ${kind}`;

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
