import type { KeyRange, RoomKey } from "#server/model/key-range.ts";
import type { Listed, Member } from "#server/model/session.ts";
import type { Connections, Listing, Rooms } from "./adapter.ts";
import { expiryAfter } from "./connections.ts";
import { memberKey, roomPartition } from "./keys.ts";
import type { Item, Storage } from "./table.ts";

/**
 * The rooms in the table. A room is noted on the connection before the room lists the socket, and
 * one that was left stays noted as such: so whatever breaks off where, the connection knows of every
 * room that may list it, and the sweep finds what a crash left behind.
 */
export function createRooms(storage: Storage, connections: Connections): Rooms {
  const lists = createLists(storage);
  return {
    ...lists,

    async join(member, given) {
      const joined = [...new Set(given)];
      if (joined.length === 0) return "joined";
      const isNoted = (await connections.addRooms(member, joined, joined)) || (await addFresh());
      if (isNoted) await lists.enter(member, joined);
      else return (await connections.get(member))?.session ? "full" : "gone";
      return "joined";

      /** Where the socket is nearly in as many rooms as it may: those it is in already do not count. */
      async function addFresh(): Promise<boolean> {
        const connection = await connections.get(member);
        const fresh = joined.filter((room) => !connection?.rooms.includes(room));
        return connections.addRooms(member, joined, fresh);
      }
    },

    async leave(member, left) {
      if (left.length === 0) return [];
      const before = await connections.removeRooms(member, left, storage.now());
      await lists.erase(member, left);
      return left.filter((room) => before.has(room));
    },
  };
}

/** The lists of members alone. */
function createLists({ table, now }: Storage): Omit<Rooms, "join" | "leave"> {
  const memberItem = ({ userId, tags, ...member }: Member, room: string) => ({
    ...keyOf(member, room),
    userId,
    joinedAt: now(),
    ...(tags?.[room] !== undefined && { tags: tags[room] }),
    expiresAt: expiryAfter(now()),
  });

  return {
    async page(room, range, limit) {
      // One more where the query also finds the id that the key range begins after.
      const query = { ...membersQuery(room, range), Limit: limit + 1 };
      const { items, last } = await table.page(query);
      const members = items.map(listed).filter(({ connectionId }) => connectionId !== range.after);
      const kept = members.slice(0, limit);
      const isWhole = last === undefined && kept.length === members.length;
      return { members: kept, until: isWhole ? undefined : kept.at(-1)?.connectionId };
    },

    async among(room, connectionIds) {
      const keys = connectionIds.map((connectionId) => memberKey(room, connectionId));
      return (await table.getAll(keys)).map(listed);
    },

    async enter(member, given) {
      const entered = [...new Set(given)];
      const [first, ...others] = entered.map((room) => memberItem(member, room));
      if (first === undefined) return;
      if (others.length === 0) await table.put(first);
      else await table.writeAll([first, ...others], []);
    },

    async erase(member, erased) {
      const [first, ...others] = erased.map((room) => keyOf(member, room));
      if (first === undefined) return;
      if (others.length === 0) await table.remove(first);
      else await table.writeAll([], [first, ...others]);
    },

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
    ProjectionExpression: "sk, userId, tags",
    // A socket told that it has joined must not miss the next packet.
    ConsistentRead: true,
  };
}

const keyOf = ({ tenant, nsp, connectionId }: Listing, room: string) =>
  memberKey({ tenant, nsp, room }, connectionId);

const listed = ({ sk, userId, tags }: Item): Listed => ({
  connectionId: String(sk),
  userId: String(userId),
  tags: tags as Listed["tags"],
});
