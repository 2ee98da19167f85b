import pMap from "p-map";
import { isInRange } from "#server/model/key-range.ts";
import type { Recall } from "#server/model/matching.ts";
import { broadcastOf, copyId, timeOf } from "#server/model/offset.ts";
import { isEnd, type LogEntry, type Mark } from "#server/model/packet-log.ts";
import {
  CLOCK_MARGIN,
  type Cursor,
  deadlineOf,
  isReceived,
  MOST_READ,
  MOST_READ_BYTES,
  MOST_REPLAYED,
  replaysFrom,
} from "#server/model/recovery.ts";
import type { StoredSession } from "#server/model/session.ts";
import { copyOf } from "#server/socket/packets.ts";
import type { Log } from "#server/store/adapter.ts";
import { stampOf } from "#server/store/session-item.ts";
import { isMarkedFor } from "./packet-log.ts";

/** Logs that are read at the same time. */
const READS_AT_ONCE = 10;

/** A packet that a socket is to be sent; `id` is the copy's own where it is one for a match. */
export interface MissedPacket {
  readonly id: string;
  readonly frames: readonly string[];
}

/** What the logs hold for a socket that comes back. */
export interface Missed {
  /** In the order of their ids. */
  readonly packets: readonly MissedPacket[];
  /** Ids of packets that may still be on their way to it. */
  readonly unmarked: ReadonlySet<string>;
  /** Rooms that it was taken out of. */
  readonly left: ReadonlyMap<string, Leave>;
}

/** How a session was taken out of a room. */
export interface Leave {
  /** Epoch milliseconds of the last time. */
  readonly at: number;
  /** The id of the first time: what was sent to the room after this is not for the session. */
  readonly id: string;
}

/** One room's log, as far as it is read. */
type Page = NonNullable<Awaited<ReturnType<Log["read"]>>>;

/** Reads the logs of rooms from where a client may have missed something; nothing where they hold too much. */
export async function readLogs(
  { sid, session, nsp }: StoredSession,
  rooms: readonly string[],
  cursor: Cursor,
  log: Pick<Log, "read">,
): Promise<readonly Page[] | undefined> {
  const { tenant } = session;
  let left = { items: MOST_READ, bytes: MOST_READ_BYTES };
  const read = async (room: string): Promise<Page | undefined> => {
    if (left.items < 0 || left.bytes < 0) return undefined;
    const page = await log.read({ tenant, nsp, room }, replaysFrom(cursor), sid);
    const items = (page?.entries.length ?? 0) + (page?.marks.length ?? 0);
    left = { items: left.items - items, bytes: left.bytes - bytesOf(page?.entries ?? []) };
    return page;
  };
  const pages = await pMap([...new Set(rooms)], read, { concurrency: READS_AT_ONCE });
  const whole = pages.filter((page) => page !== undefined);
  return whole.length === pages.length && left.items >= 0 && left.bytes >= 0 ? whole : undefined;
}

const bytesOf = (entries: readonly LogEntry[]): number =>
  entries.flatMap(({ frames }) => frames).reduce((sum, frame) => sum + frame.length, 0);

/** What a session has missed; nothing where that is too much, or its end was among it. */
export function missedIn(
  pages: readonly Page[],
  session: StoredSession,
  cursor: Cursor,
  recall: Recall | undefined,
  readAt: number,
): Missed | undefined {
  const found = foundIn(pages, session.sid);
  const left = new Map<string, Leave>();
  for (const one of found)
    if (one.entry.leaves && isFor(session, one)) noteLeave(left, session, one.entry);
  const due = found.filter((one) => isFor(session, one, left));
  if (due.some(({ entry }) => isEnd(entry))) return undefined;
  const isHeard = ({ entry }: Found) => entry.frames.length > 0 && !isAfterLeave(left, entry);
  const copies = recall === undefined ? [] : copiesIn(found, cursor, recall);
  const sent = [...due.filter(isHeard), ...copies];
  const packets = new Map<string, MissedPacket>();
  for (const { id, entry, doneAt = deadlineOf(id), field } of sent)
    if (!isReceived(id, doneAt, cursor))
      packets.set(id, { id, frames: copyOf(entry.frames, field) });
  if (packets.size > MOST_REPLAYED || recall?.isExhausted()) return undefined;
  return {
    packets: [...packets.values()].toSorted(byId),
    unmarked: new Set(
      sent.flatMap(({ doneAt, id }) => (doneAt === undefined && deadlineOf(id) > readAt ? id : [])),
    ),
    left,
  };
}

/** In the order of ids. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : 1;

/** Notes what an entry takes a session out of, unless it has come in again since. */
export function noteLeave(
  left: Map<string, Leave>,
  { roomStamps }: Pick<StoredSession, "roomStamps">,
  { leaves: room, id, at = timeOf(id) }: LogEntry,
): void {
  if (room === undefined || stampOf(at, true) < Number(roomStamps.get(room))) return;
  const known = left.get(room);
  const isFirst = known === undefined || id < known.id;
  left.set(room, { at: Math.max(known?.at ?? 0, at), id: isFirst ? id : known.id });
}

/** Whether a session was taken out of the room of a packet before that was sent. */
export function isAfterLeave(
  left: ReadonlyMap<string, Leave>,
  { id, room: { room: own } }: LogEntry,
  room = own,
): boolean {
  const leave = left.get(room);
  return leave !== undefined && id > leave.id;
}

/** An entry, and when its posts to the session's part of the room were over, if that is known. */
interface Found {
  readonly entry: LogEntry;
  /** Of the packet, or of the copy that it is for a match. */
  readonly id: string;
  readonly doneAt: number | undefined;
  readonly field?: readonly [name: string, value: string] | undefined;
}

/** What was sent to a session's part of the rooms; what was sent anew to that, only as it was the last time. */
function foundIn(pages: readonly Page[], sid: string): readonly Found[] {
  const found = pages.flatMap(({ entries, marks }) =>
    entries
      .filter(({ part }) => part === undefined || isInRange(sid, part))
      .map((entry) => ({ entry, id: entry.id, doneAt: doneAt(entry, marks, sid) })),
  );
  const replaced = new Set(found.map(({ entry }) => entry.instead));
  return found.filter(({ id }) => !replaced.has(id));
}

function doneAt({ id }: LogEntry, marks: readonly Mark[], sid: string): number | undefined {
  const own = marks.find((mark) => mark.broadcast === broadcastOf(id) && isMarkedFor(sid, mark));
  return own?.done;
}

/** Whether a packet was meant for a session, which was in the room before its posts were over. */
function isFor(
  session: StoredSession,
  { entry, doneAt = deadlineOf(entry.id) }: Found,
  left?: ReadonlyMap<string, Leave>,
): boolean {
  return doneAt >= sinceIn(session, entry) - CLOCK_MARGIN && isMeant(session, entry, left);
}

/** Whether this has disconnected the sockets of a room that the session had been in before. */
export function isEndedBy(session: StoredSession, end: LogEntry): boolean {
  const { tenant, nsp } = end.room;
  if (tenant !== session.session.tenant || nsp !== session.nsp) return false;
  return timeOf(end.id) > sinceIn(session, end) + CLOCK_MARGIN && isMeant(session, end);
}

/** When a session came into an entry's room, if it is there. */
const sinceIn = ({ since, beganAt }: StoredSession, { room }: LogEntry): number =>
  since.get(room.room) ?? beganAt;

function isMeant(
  { sid, session, tags, roomStamps }: StoredSession,
  entry: LogEntry,
  left?: ReadonlyMap<string, Leave>,
): boolean {
  const { audience } = entry;
  const { room } = entry.room;
  const { sender, except, exceptUsers = [], tag } = audience;
  if (!roomStamps.has(room)) return false;
  if (sender === sid || exceptUsers.includes(session.userId)) return false;
  const isIn = (one: string) => roomStamps.has(one) && !(left && isAfterLeave(left, entry, one));
  if (except.some(isIn)) return false;
  const own = tags?.[room];
  return tag === undefined || own === undefined || own === "*" || own.includes(tag);
}

/** A copy for each match, whoever the packet is for besides. */
function copiesIn(found: readonly Found[], cursor: Cursor, recall: Recall): readonly Found[] {
  return found.flatMap((one) => {
    const { entry, doneAt = deadlineOf(entry.id) } = one;
    const { criteria } = entry.audience;
    // After all of its copies, so that nothing is matched of which the client has every copy.
    if (criteria === undefined || isReceived(`${entry.id}~~`, doneAt, cursor)) return [];
    return recall
      .copies(entry.room.room, criteria)
      .filter(({ since }) => doneAt >= since - CLOCK_MARGIN)
      .map(({ field }) => ({ ...one, id: copyId(entry.id, field), field }));
  });
}
