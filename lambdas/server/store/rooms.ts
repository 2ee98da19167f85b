import type { KeyRange, RoomKey } from "#server/model/key-range.ts";
import type { Listing, Rooms, Sessions } from "./adapter.ts";
import { memberKey, roomPartition } from "./keys.ts";
import { listed, memberItem } from "./sessions.ts";
import type { Storage } from "./table.ts";

/**
 * The rooms in the table. A room is noted on the session before the room lists the socket, and
 * one that was left stays noted as such: so whatever breaks off where, the session knows of every
 * room that may list it, and the sweep finds what a crash left behind.
 */
export function createRooms(storage: Storage, sessions: Sessions): Rooms {
  const lists = createLists(storage);
  return {
    ...lists,

    async join(member, given) {
      const { sid } = member;
      const joined = [...new Set(given)];
      if (joined.length === 0) return "joined";
      const isNoted = (await sessions.addRooms(sid, joined, joined)) || (await addFresh());
      if (!isNoted) return (await sessions.get(sid)) === undefined ? "gone" : "full";
      const items = joined.map((room) => memberItem(member, room, storage.now()));
      await storage.table.writeAll(items, []);
      return "joined";

      /** Where the socket is nearly in as many rooms as it may: those it is in already do not count. */
      async function addFresh(): Promise<boolean> {
        const session = await sessions.get(sid);
        const fresh = joined.filter((room) => !session?.rooms.includes(room));
        return sessions.addRooms(sid, joined, fresh);
      }
    },

    async leave(member, left) {
      if (left.length === 0) return [];
      const before = await sessions.removeRooms(member.sid, left, storage.now());
      await lists.erase(member, left);
      return left.filter((room) => before.has(room));
    },
  };
}

/** The lists of members alone. */
function createLists({ table }: Storage): Omit<Rooms, "join" | "leave"> {
  return {
    async page(room, range, limit) {
      // One more where the query also finds the id that the key range begins after.
      const query = { ...membersQuery(room, range), Limit: limit + 1 };
      const { items, last } = await table.page(query);
      const members = items.map(listed).filter(({ sid }) => sid !== range.after);
      const kept = members.slice(0, limit);
      const isWhole = last === undefined && kept.length === members.length;
      return { members: kept, until: isWhole ? undefined : kept.at(-1)?.sid };
    },

    among: async (room, sids) =>
      (await table.getAll(sids.map((sid) => memberKey(room, sid)))).map(listed),

    erase: (member, erased) =>
      table.writeAll(
        [],
        erased.map((room) => keyOf(member, room)),
      ),

    async eraseOlder(member, erased, than) {
      await Promise.all(
        erased.map((room) =>
          table.remove(keyOf(member, room), {
            condition: "joinedAt < :than",
            values: { ":than": than },
          }),
        ),
      );
    },
  };
}

/** The members of a key range: what `after` names is found too where there is an `upTo`. */
function membersQuery(room: RoomKey, { after, upTo }: KeyRange) {
  const range =
    after !== undefined && upTo !== undefined
      ? " AND sk BETWEEN :after AND :upTo"
      : `${after === undefined ? "" : " AND sk > :after"}${upTo === undefined ? "" : " AND sk <= :upTo"}`;
  return {
    KeyConditionExpression: `pk = :room${range}`,
    ExpressionAttributeValues: {
      ":room": roomPartition(room),
      ...(after !== undefined && { ":after": after }),
      ...(upTo !== undefined && { ":upTo": upTo }),
    },
    ProjectionExpression: "sk, address, userId, tags",
    // A socket told that it has joined must not miss the next packet.
    ConsistentRead: true,
  };
}

const keyOf = ({ tenant, nsp, sid }: Listing, room: string) =>
  memberKey({ tenant, nsp, room }, sid);
