import { encodeTime } from "ulid";
import type { KeyRange, RoomKey } from "#server/model/key-range.ts";
import { isEnd, type LogEntry, type Mark } from "#server/model/packet-log.ts";
import type { Log } from "./adapter.ts";
import { ENDS, type Key, logPartition } from "./keys.ts";
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

    async read(room, from) {
      const { items, last } = await table.page({
        ...queryFrom(logPartition(room), from),
        ConsistentRead: true,
      });
      if (last !== undefined) return undefined;
      return {
        entries: items.filter(({ done }) => done === undefined).map((item) => entryOf(room, item)),
        marks: items.filter(({ done }) => done !== undefined).map((item) => markOf(room, item)),
      };
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

/** Before the entries of its broadcast, one for each function that posts to a part of the room. */
const markItem = ({ room, broadcast, ...mark }: Mark, expiry: object): KeyedItem => ({
  ...{ pk: logPartition(room), sk: `${broadcast}!${mark.range.after ?? ""}` },
  ...{ ...mark, ...expiry },
});

const markOf = (room: RoomKey, { sk, done, range, also }: Item): Mark => ({
  ...{ room, broadcast: String(sk).split("!")[0] ?? "", done: Number(done) },
  ...{ range: range as KeyRange, also: also as Mark["also"] },
});
