import type { KeyRange, RoomKey } from "#server/model/key-range.ts";
import type { Ledger, Listing, Rooms } from "./adapter.ts";
import { expiryAfter } from "./connections.ts";
import { memberKey, roomPartition } from "./keys.ts";
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
): Pick<Rooms, "join" | "leave" | "erase"> {
  return {
    async join(member, given, receivedAt) {
      const stamp = stampOf(receivedAt);
      const claimed = await ledger.claimRooms(member.sid, [...new Set(given)], stamp);
      if (typeof claimed === "string") return claimed;
      await putStamped(
        table,
        claimed.map((room) => memberItem(member, room, stamp, now())),
      );
      return claimed;
    },

    async leave(member, given, receivedAt) {
      const stamp = stampOf(receivedAt, true);
      const left: string[] = [];
      // What is noted of some is finished before others are noted.
      for (const some of chunks([...new Set(given)], ROOMS_AN_UPDATE)) {
        const released = await ledger.releaseRooms(member.sid, some, stamp);
        if (typeof released === "string") return released;
        const tombstone = { stamp, released: true, expiresAt: expiryAfter(now()) };
        await putStamped(
          table,
          released.known.map((room) => ({ ...keyOf(member, room), ...tombstone })),
        );
        left.push(...released.had);
      }
      return left;
    },

    erase: (member, erased) =>
      table.writeAll(
        [],
        erased.map((room) => keyOf(member, room)),
      ),
  };
}

/** The lists of members alone, without the tombstones among them. */
function createLists({ table }: Storage): Pick<Rooms, "page" | "among"> {
  return {
    async page(room, range, limit) {
      // One more where the query also finds the id that the key range begins after.
      const query = { ...membersQuery(room, range), Limit: limit + 1 };
      const membersIn = (items: readonly Item[]) =>
        items.map(listed).filter(({ sid }) => sid !== range.after);
      const page = await table.page(query);
      const found = membersIn(page.items);
      let { last } = page;
      // What was read may be tombstones.
      for (
        let more = 1;
        last !== undefined && found.length < limit && more < MOST_QUERIES;
        more += 1
      ) {
        const next = await table.page({ ...query, ExclusiveStartKey: last });
        found.push(...membersIn(next.items));
        last = next.last;
      }
      const members = found.slice(0, limit);
      // What was cut off comes before what was not read.
      const isCut = members.length < found.length;
      const until = isCut ? members.at(-1)?.sid : last && String(last.sk);
      return { members, until: until === range.upTo ? undefined : until };
    },

    among: async (room, sids) =>
      (await table.getAll(sids.map((sid) => memberKey(room, sid))))
        .filter(({ released }) => released === undefined)
        .map(listed),
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
    FilterExpression: "attribute_not_exists(released)",
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
