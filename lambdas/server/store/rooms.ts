import type { KeyRange, MemberPage, RoomKey } from "#server/model/key-range.ts";
import type { Listed, StoredSession } from "#server/model/session.ts";
import type { Ledger, Listing, Rooms } from "./adapter.ts";
import { expiryAfter } from "./connections.ts";
import { memberBounds, memberKey, roomPartition } from "./keys.ts";
import { ROOMS_AN_UPDATE } from "./ledger.ts";
import { listed, memberItem, putStamped, stampOf } from "./session-item.ts";
import { chunks, type Item, type Storage } from "./table.ts";

/** Queries for one page of a room, whose first ones may find tombstones alone. */
const MOST_QUERIES = 4;

/** The rooms in the table: a session's record says first what a room is to list. */
export const createRooms = (storage: Storage, ledger: Ledger): Rooms => ({
  ...createMemberships(storage, ledger),
  ...createLists(storage),
});

function createMemberships(
  { table, now }: Storage,
  ledger: Ledger,
): Pick<Rooms, "join" | "leave" | "erase" | "list" | "settle"> {
  return {
    async join(member, given, receivedAt) {
      const stamp = stampOf(receivedAt);
      const claimed = await ledger.claimRooms(member.sid, [...new Set(given)], stamp);
      if (typeof claimed === "string") return claimed;
      await putStamped(
        table,
        // One that has lost its connection is listed again when it comes back.
        claimed
          .filter(({ session }) => session.state !== "detached")
          .flatMap(({ rooms, session }) =>
            rooms.map((room) => memberItem(listingOf(session, room), member, room, stamp, now())),
          ),
      );
      return claimed.flatMap(({ rooms }) => rooms);
    },

    async leave(member, given, receivedAt) {
      const stamp = stampOf(receivedAt, true);
      const left: string[] = [];
      // What is noted of some is finished before others are noted.
      for (const some of chunks([...new Set(given)], ROOMS_AN_UPDATE)) {
        const released = await ledger.releaseRooms(member.sid, some, stamp);
        if (typeof released === "string") return released;
        const { had, known, session } = released;
        const tombstone = { stamp, released: true, expiresAt: expiryAfter(now()) };
        if (session !== undefined && session.state !== "detached")
          await putStamped(
            table,
            known.map((room) => ({ ...keyOf(member, room, session.connectedAt), ...tombstone })),
          );
        left.push(...had);
      }
      return left;
    },

    async list(session) {
      const { sid, nsp, roomStamps } = session;
      const { tenant, userId } = session.session;
      const member = { sid, nsp, tenant, userId };
      await putStamped(
        table,
        [...roomStamps].map(([room, stamp]) =>
          memberItem(listingOf(session, room), member, room, stamp, now()),
        ),
      );
    },

    async settle({ tenant, nsp, room, sid, connectedAt }) {
      await table.update(memberKey({ tenant, nsp, room }, sid, connectedAt), {
        update: "REMOVE isRecovering",
        condition: "attribute_exists(pk)",
        isRepeatable: true,
      });
    },

    erase: (member, erased, epochs) =>
      table.writeAll(
        [],
        epochs.flatMap((epoch) => erased.map((room) => keyOf(member, room, epoch))),
      ),
  };
}

/** The lists of members alone, without the tombstones among them. */
export function createLists({ table }: Pick<Storage, "table">): Pick<Rooms, "page" | "among"> {
  return {
    async page(room, range, limit) {
      // One more, to know whether there is one more.
      const query = { ...membersQuery(room, range), Limit: limit + 1 };
      const found = new Map<string, Listed>();
      let last: Item | undefined;
      for (let queries = 0; queries < MOST_QUERIES; queries += 1) {
        const page = await table.page(
          last === undefined ? query : { ...query, ExclusiveStartKey: last },
        );
        // Of one session the item of its latest connection comes last.
        for (const member of page.items.map(listed)) found.set(member.sid, member);
        last = page.last;
        // What was read may be tombstones.
        if (last === undefined || found.size > limit) break;
      }
      const members = [...found.values()].slice(0, limit);
      if (members.length < found.size) return upTo(range, members, members.at(-1)?.sid);
      if (last === undefined) return { members };
      // More of the session that was read last may follow, unless nothing else was found.
      const unread = listed(last).sid;
      const whole = members.filter(({ sid }) => sid !== unread);
      if (whole.length > 0 || members.length === 0) return upTo(range, whole, unread.slice(0, -1));
      return upTo(range, members, unread);
    },

    async among(room, sids) {
      const found = await Promise.all(
        sids.map(async (sid) => {
          const [from, to] = memberBounds(sid);
          return (await table.page(membersBetween(room, from, to))).items.map(listed).slice(-1);
        }),
      );
      return found.flat();
    },
  };
}

/** How a room lists a session. */
const listingOf = (
  { connectionId, connectedAt, state, tags, link }: StoredSession,
  room: string,
): Omit<Listed, "sid" | "userId"> => ({
  ...{ connectionId, connectedAt, link, tags: tags?.[room] },
  ...(state === "recovering" && { isRecovering: true }),
});

/** A page that ends with an id, after which there is more, unless the key range ends there. */
const upTo = (
  range: KeyRange,
  members: readonly Listed[],
  until: string | undefined,
): MemberPage => ({ members, until: until === range.upTo ? undefined : until });

/** Before and after the id of every session. */
const [FIRST, LAST] = ["#", "~"];

const membersQuery = (room: RoomKey, { after = FIRST, upTo = LAST }: KeyRange) =>
  membersBetween(room, memberBounds(after)[1], memberBounds(upTo)[1]);

function membersBetween(room: RoomKey, from: string, to: string) {
  return {
    KeyConditionExpression: "pk = :room AND sk BETWEEN :from AND :to",
    FilterExpression: "attribute_not_exists(released)",
    ExpressionAttributeValues: {
      ":room": roomPartition(room),
      ...{ ":from": from, ":to": to },
    },
    ProjectionExpression: "sk, address, userId, tags, isRecovering, link",
    // A socket told that it has joined must not miss the next packet.
    ConsistentRead: true,
  };
}

const keyOf = ({ tenant, nsp, sid }: Listing, room: string, connectedAt: number) =>
  memberKey({ tenant, nsp, room }, sid, connectedAt);
