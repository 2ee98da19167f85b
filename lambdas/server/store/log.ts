import { encodeTime } from "ulid";
import { type KeyRange, onlyPartOf, partOf, type RoomKey } from "#server/model/key-range.ts";
import { broadcastOf } from "#server/model/offset.ts";
import { isEnd, type LogEntry, type Mark } from "#server/model/packet-log.ts";
import type { Log } from "./adapter.ts";
import { ENDS, type Key, logPartition, marksPartition } from "./keys.ts";
import type { Item, KeyedItem, Storage } from "./table.ts";

/** Items of one partition that are read from a time on, in one query of a megabyte at most. */
const MOST_READ = 2000;

/** The log of each room: what was broadcast to it, kept for as long as somebody may come back. */
export function createLog({ table, now }: Storage, retention: number): Log {
  const expiry = () => ({ expiresAt: Math.ceil((now() + 2 * retention) / 1000) });
  return {
    append: (entries) =>
      table.writeAll(
        [
          ...entries.map((entry) => entryItem(entry, expiry())),
          ...entries.filter(isEnd).map((entry, index) => ({
            ...{ ...endKey(entry, index), entry: JSON.stringify(entry), ...expiry() },
          })),
        ],
        [],
      ),
    remove: (entries) =>
      table.writeAll([], [...entries.map(entryKey), ...entries.filter(isEnd).map(endKey)]),
    mark: (marks) =>
      table.writeAll(
        marks.map((mark) => markItem(mark, expiry())),
        [],
      ),

    async read(room, from, sid) {
      const own = await itemsOf(logPartition(room), from);
      if (own === undefined) return undefined;
      const entries = own.filter((item) => !isMark(item)).map((item) => entryOf(room, item));
      const marks = own.filter(isMark).map((item) => markOf(room, item));
      if (isByOne(entries, marks)) return { entries, marks };
      const apart = await itemsOf(marksPartition(room, partOf(sid)), from);
      return apart && { entries, marks: [...marks, ...apart.map((item) => markOf(room, item))] };
    },

    async get(wanted) {
      const rooms = new Map(wanted.map(({ room }) => [logPartition(room), room]));
      const items = await table.getAll(wanted.map(entryKey));
      return items.flatMap((item) => {
        const room = rooms.get(String(item.pk));
        return room === undefined ? [] : [entryOf(room, item)];
      });
    },

    async ends() {
      const { items } = await table.page(queryFrom(ENDS, now() - retention));
      return items.map(({ entry }) => JSON.parse(String(entry)) as LogEntry);
    },
  };

  /** All items of a partition from a time on; nothing where they are too many. */
  async function itemsOf(partition: string, from: number): Promise<readonly Item[] | undefined> {
    const query = { ...queryFrom(partition, from), ConsistentRead: true };
    const { items, last } = await table.page(query);
    return last === undefined ? items : undefined;
  }
}

const isMark = ({ done }: Item): boolean => done !== undefined;

/** Whether it is known of each broadcast that one function has posted it to the whole room. */
function isByOne(entries: readonly LogEntry[], marks: readonly Mark[]): boolean {
  const whole = marks.filter(({ range: { after, upTo } }) => (after ?? upTo) === undefined);
  const broadcasts = new Set(whole.map(({ broadcast }) => broadcast));
  return entries.every(({ id }) => broadcasts.has(broadcastOf(id)));
}

/** Ids begin with their time. */
const queryFrom = (partition: string, time: number) => ({
  KeyConditionExpression: "pk = :partition AND sk >= :from",
  ExpressionAttributeValues: { ":partition": partition, ":from": encodeTime(Math.max(0, time)) },
  Limit: MOST_READ,
});

const entryKey = ({ room, id }: Pick<LogEntry, "room" | "id">): Key => ({
  pk: logPartition(room),
  sk: id,
});

/** As JSON: documents may hold what no attribute can. */
const entryItem = ({ room, id, ...kept }: LogEntry, expiry: object): KeyedItem => ({
  ...entryKey({ room, id }),
  ...{ entry: JSON.stringify(kept), ...expiry },
});

/** One emission may end the sockets of several rooms. */
const endKey = ({ id }: Pick<LogEntry, "id">, index: number): Key => ({
  ...{ pk: ENDS, sk: `${id}#${index}` },
});

const entryOf = (room: RoomKey, { sk, entry }: Item): LogEntry => ({
  ...(JSON.parse(String(entry)) as Omit<LogEntry, "room" | "id">),
  ...{ room, id: String(sk) },
});

/**
 * Before the entries of its broadcast, one for each function that posts to a part of the room. A return reads few of
 * those of a large room: what speaks of one part alone is in a partition of that. Who has posted to others `also` is the
 * first function, whose range is from the first id on.
 */
function markItem({ room, broadcast, ...mark }: Mark, expiry: object): KeyedItem {
  const part = onlyPartOf(mark.range);
  return {
    pk: part === undefined ? logPartition(room) : marksPartition(room, part),
    sk: `${broadcast}!${mark.range.after ?? ""}`,
    ...{ ...mark, ...expiry },
  };
}

const markOf = (room: RoomKey, { sk, done, range, also }: Item): Mark => ({
  ...{ room, broadcast: broadcastOf(String(sk)), done: Number(done) },
  ...{ range: range as KeyRange, also: also as Mark["also"] },
});
