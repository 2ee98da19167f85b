import type { JoinResult, Listed, Member } from "#server/model/connection.ts";
import type { RoomPages, Slice } from "#server/model/key-range.ts";
import { type Room, userRoom } from "#server/model/room.ts";
import { type Connections, expiryAfter } from "./connections.ts";
import { memberKey, roomPartition } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** Who is in which room of which organisation. */
export interface Rooms extends RoomPages {
  /** Puts a socket into rooms: all of them, or none. */
  join(member: Member, rooms: readonly Room[]): Promise<JoinResult>;
  /** Takes a socket out of rooms and gives those it was in. */
  leave(
    member: Pick<Member, "connectionId" | "org">,
    rooms: readonly Room[],
  ): Promise<readonly Room[]>;
  /** Lists a socket in the rooms its session starts with. */
  enter(member: Member, rooms: readonly Room[]): Promise<void>;
  /** Takes a connection off the lists of rooms, and nothing more. */
  erase(org: string, rooms: readonly Room[], connectionId: string): Promise<void>;
  /** The same where the connection was put on the list before a time, in epoch milliseconds. */
  eraseOlder(
    org: string,
    rooms: readonly Room[],
    connectionId: string,
    than: number,
  ): Promise<void>;
}

export interface RoomsParts {
  readonly table: Table;
  readonly connections: Connections;
  readonly now: () => number;
}

/**
 * The rooms in the table. A room is noted on the connection before the room lists the socket, and
 * one that was left stays noted as such: so whatever breaks off where, the connection knows of every
 * room that may list it, and the sweep finds what a crash left behind.
 */
export function createRooms({ table, connections, now }: RoomsParts): Rooms {
  const memberItem = ({ connectionId, org, userId, projects }: Member, room: Room) => ({
    ...memberKey(org, room, connectionId),
    userId,
    joinedAt: now(),
    ...(room === userRoom(userId) && { projects }),
    expiresAt: expiryAfter(now()),
  });

  const rooms: Rooms = {
    async page(org, room, slice, most) {
      // One more where the query also finds the id that the slice begins after.
      const query = { ...membersQuery(org, room, slice), Limit: most + 1 };
      const { items, last } = await table.page(query);
      const members = items.map(listed).filter(({ connectionId }) => connectionId !== slice.after);
      const kept = members.slice(0, most);
      const isWhole = last === undefined && kept.length === members.length;
      return { members: kept, until: isWhole ? undefined : kept.at(-1)?.connectionId };
    },

    async among(org, room, connectionIds) {
      const keys = connectionIds.map((connectionId) => memberKey(org, room, connectionId));
      return (await table.getAll(keys)).map(listed);
    },

    async join(member, joined) {
      if (joined.length === 0) return "joined";
      const { connectionId } = member;
      const isNoted =
        (await connections.addRooms(connectionId, joined, joined)) || (await addFresh());
      if (isNoted) await rooms.enter(member, joined);
      else return (await connections.get(connectionId))?.session ? "full" : "gone";
      return "joined";

      /** Where the socket is nearly in as many rooms as it may: those it is in already do not count. */
      async function addFresh(): Promise<boolean> {
        const connection = await connections.get(connectionId);
        const fresh = joined.filter((room) => !connection?.rooms.includes(room));
        return connections.addRooms(connectionId, joined, fresh);
      }
    },

    async leave({ connectionId, org }, left) {
      if (left.length === 0) return [];
      const before = await connections.removeRooms(connectionId, left, now());
      await rooms.erase(org, left, connectionId);
      return left.filter((room) => before.has(room));
    },

    async enter(member, entered) {
      const [first, ...others] = entered.map((room) => memberItem(member, room));
      if (first === undefined) return;
      if (others.length === 0) await table.put(first);
      else await table.writeAll([first, ...others], []);
    },

    async erase(org, erased, connectionId) {
      const [first, ...others] = erased.map((room) => memberKey(org, room, connectionId));
      if (first === undefined) return;
      if (others.length === 0) await table.remove(first);
      else await table.writeAll([], [first, ...others]);
    },

    async eraseOlder(org, erased, connectionId, than) {
      await Promise.all(
        erased.map((room) =>
          table.remove(memberKey(org, room, connectionId), {
            ConditionExpression: "joinedAt < :than",
            ExpressionAttributeValues: { ":than": than },
          }),
        ),
      );
    },
  };
  return rooms;
}

/** The members of a slice: what `after` names is found too where there is an `upTo`. */
function membersQuery(org: string, room: Room, { after, upTo }: Slice) {
  const range =
    after !== undefined && upTo !== undefined
      ? " AND sk BETWEEN :after AND :upTo"
      : `${after === undefined ? "" : " AND sk > :after"}${upTo === undefined ? "" : " AND sk <= :upTo"}`;
  return {
    KeyConditionExpression: `pk = :room${range}`,
    ExpressionAttributeValues: {
      ":room": roomPartition(org, room),
      ...(after !== undefined && { ":after": after }),
      ...(upTo !== undefined && { ":upTo": upTo }),
    },
    ProjectionExpression: "sk, userId, projects",
    // A socket told that it has joined must not miss the next packet.
    ConsistentRead: true,
  };
}

const listed = ({ sk, userId, projects }: Item): Listed => ({
  connectionId: String(sk),
  userId: String(userId),
  projects: projects as Listed["projects"],
});
