import type { Sessions } from "./adapter.ts";
import { EXISTS, expiryAfter, expiryOfEnded } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import {
  memberItem,
  noteOf,
  type RoomLimits,
  readLiving,
  recordOf,
  SPARE,
  setOf,
  stampOf,
} from "./session-item.ts";
import { createSessionRecovery } from "./session-recovery.ts";
import type { Storage } from "./table.ts";

/** The sessions in the table, each from CONNECT to its end. */
export function createSessions(
  storage: Storage,
  { roomsOfKind = {}, shards }: RoomLimits & { readonly shards: number },
): Sessions {
  const { table, now } = storage;
  return {
    ...createSessionRecovery(storage, shards),

    async begin({ connectionId, connectedAt, link }, nsp, session, first, receivedAt) {
      const { rooms, given, tags, slot, pid, identityHash } = first;
      const { id: sid, tenant, userId } = session;
      const stamp = stampOf(receivedAt);
      const noted = rooms.map((room) => [noteOf(room), stamp] as const);
      const record = {
        ...sessionKey(sid),
        ...{ connectionId, connectedAt, link, nsp, session, slot },
        ...{ rooms: Object.fromEntries(noted), state: "connected", completed: connectedAt },
        ...{ since: {}, epochs: { [connectedAt]: now() } },
        ...(pid !== undefined && {
          ...{ pid, given, tags, beganAt: receivedAt, completedAt: now(), identityHash },
          since: Object.fromEntries(rooms.map((room) => [noteOf(room), receivedAt])),
        }),
        ...Object.fromEntries(Object.keys(roomsOfKind).map((kind) => [setOf(kind), {}])),
        ...{ claims: {}, released: {}, kinds: {}, spare: SPARE, expiresAt: expiryAfter(now()) },
      };
      const member = { sid, tenant, nsp, userId };
      const members = rooms.map((room) => {
        const listing = { connectionId, connectedAt, link, tags: tags?.[room] };
        return memberItem(listing, member, room, stamp, now());
      });
      await table.writeAll([record, ...members], []);
    },

    get: (sid) => readLiving(table, sid),

    getAll: async (sids) =>
      (await table.getAll(sids.map(sessionKey))).flatMap((item) => recordOf(item) ?? []),

    async setGiven(sid, given) {
      const change = { update: "SET given = :given", values: { ":given": given } };
      await table.update(sessionKey(sid), { ...change, condition: EXISTS, isRepeatable: true });
    },

    async setData(sid, data) {
      await table.update(sessionKey(sid), {
        update: "SET #session.#data = :data",
        condition: EXISTS,
        names: { "#session": "session", "#data": "data" },
        values: { ":data": data },
      });
    },

    async end(sid, reason, { connectionId, lostAt }) {
      const at = now();
      const ended = await table.update(sessionKey(sid), {
        update: "SET endedAt = :now, expiresAt = :expiry, #reason = :reason REMOVE spare",
        condition: [
          EXISTS,
          ...(connectionId === undefined ? [] : ["connectionId = :connection"]),
          ...(lostAt === undefined ? [] : ["lostAt = :lostAt"]),
        ].join(" AND "),
        names: { "#reason": "reason" },
        values: {
          ...{ ":now": at, ":expiry": expiryOfEnded(at), ":reason": reason },
          ...(connectionId !== undefined && { ":connection": connectionId }),
          ...(lostAt !== undefined && { ":lostAt": lostAt }),
        },
        returns: "ALL_NEW",
        isOwn: ({ endedAt }) => endedAt === at,
      });
      return recordOf(ended);
    },

    remove: (sids) => table.writeAll([], sids.map(sessionKey)),
  };
}
