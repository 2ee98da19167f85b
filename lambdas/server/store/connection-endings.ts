import { type BinaryPart, MAIN, socketsBeside } from "#server/model/session.ts";
import {
  connectionOf,
  EXISTS,
  type Part,
  type RoomLimits,
  SESSION,
  setOf,
} from "./connection-item.ts";
import { connectionKey, socketKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Epoch seconds at which DynamoDB may remove a connection that has ended: the sweep comes long before. */
const expiryOfEnded = (now: number): number => Math.floor(now / 1000) + 1800;

/** The end of a socket, and of its connection. */
export function createEndings(
  table: Table,
  { roomsOfKind = {} }: RoomLimits,
): Part<"end" | "endBeside" | "forgetBeside" | "leaveMain" | "remove"> {
  return {
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
      const sets = Object.keys(roomsOfKind).map(
        (kind, index) => [`#set${index}`, setOf(kind)] as const,
      );
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

    async remove(connection) {
      const others = socketsBeside(connection).map(socketKey);
      const main = connectionKey(connection.connectionId);
      if (others.length === 0) await table.remove(main);
      else await table.writeAll([], [...others, main]);
    },
  };
}

/** Parts of binary packets that wait for the others. */
export function createHeldParts(table: Table): Part<"addPart" | "takeParts"> {
  return {
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
  };
}
