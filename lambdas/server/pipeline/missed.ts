import pMap from "p-map";
import type { RoomAudience } from "#server/model/audience.ts";
import type { Recall } from "#server/model/matching.ts";
import { broadcastOf, timeOf } from "#server/model/offset.ts";
import type { LogEntry, Mark } from "#server/model/packet-log.ts";
import {
  CLOCK_MARGIN,
  type Cursor,
  deadlineOf,
  isReceived,
  MOST_REPLAYED,
  replaysFrom,
} from "#server/model/recovery.ts";
import type { StoredSession } from "#server/model/session.ts";
import { withField } from "#server/socket/packets.ts";
import type { Log } from "#server/store/adapter.ts";
import { isMarkedFor } from "./packet-log.ts";

/** Logs that are read at the same time. */
const READS_AT_ONCE = 50;

/** A packet that a socket is to be sent. */
export interface MissedPacket {
  readonly id: string;
  readonly frames: readonly string[];
  /** The field that a match's copy of it has more. */
  readonly field?: readonly [name: string, value: string] | undefined;
}

/** What the logs hold for a socket that comes back. */
export interface Missed {
  /** In the order of their ids. */
  readonly packets: readonly MissedPacket[];
  /** Ids of packets that may still be on their way to it. */
  readonly unmarked: readonly string[];
  /** Rooms that it was taken out of, with the time. */
  readonly left: readonly { readonly room: string; readonly at: number }[];
}

/** One room's log, as far as it is read. */
type Page = NonNullable<Awaited<ReturnType<Log["read"]>>>;

/** Reads the logs of rooms from where a client may have missed something; nothing where one holds too much. */
export async function readLogs(
  { session, nsp }: StoredSession,
  rooms: readonly string[],
  cursor: Cursor,
  log: Pick<Log, "read">,
): Promise<readonly Page[] | undefined> {
  const { tenant } = session;
  const pages = await pMap(
    [...new Set(rooms)],
    (room) => log.read({ tenant, nsp, room }, replaysFrom(cursor)),
    { concurrency: READS_AT_ONCE },
  );
  const whole = pages.filter((page) => page !== undefined);
  return whole.length === pages.length ? whole : undefined;
}

/** What a session has missed; nothing where that is too much, or its end was among it. */
export function missedIn(
  pages: readonly Page[],
  session: StoredSession,
  cursor: Cursor,
  recall: Recall | undefined,
): Missed | undefined {
  const found: readonly Found[] = pages.flatMap(({ entries, marks }) =>
    entries.map((entry) => ({ entry, doneAt: doneAt(entry, marks, session.sid) })),
  );
  const due = found.filter((one) => isFor(session, one));
  if (due.some(({ entry }) => entry.closes !== undefined)) return undefined;
  const left = due.flatMap(({ entry: { leaves: room, id } }) =>
    room === undefined ? [] : [{ room, at: timeOf(id) }],
  );
  const isHeard = ({ entry: { room, id, frames } }: Found) =>
    frames.length > 0 && !left.some((one) => one.room === room.room && one.at < timeOf(id));
  const copies = recall === undefined ? [] : found.flatMap((one) => copiesOf(one, recall));
  const sent = [...due.filter(isHeard), ...copies];
  const packets = new Map<string, MissedPacket>();
  for (const { entry, doneAt = deadlineOf(entry.id), field } of sent)
    if (!isReceived(entry.id, doneAt, cursor))
      packets.set(keyOf({ ...entry, field }), { id: entry.id, frames: entry.frames, field });
  if (packets.size > MOST_REPLAYED) return undefined;
  return {
    packets: [...packets.values()].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    unmarked: sent.flatMap(({ doneAt, entry }) => (doneAt === undefined ? entry.id : [])),
    left,
  };
}

/** What tells copies of packets apart: those for matches follow the plain one. */
export const keyOf = ({ id, field }: Pick<MissedPacket, "id" | "field">): string =>
  field === undefined ? id : `${id} ${JSON.stringify(field)}`;

/** The frames of a packet, without its offset. */
export const framesOf = ({ frames, field }: MissedPacket): readonly string[] =>
  field === undefined ? frames : frames.map((frame) => withField(frame, ...field));

/** An entry, and when its posts to the session's part of the room were over, if that is known. */
interface Found {
  readonly entry: LogEntry;
  readonly doneAt: number | undefined;
  readonly field?: readonly [name: string, value: string] | undefined;
}

function doneAt({ id }: LogEntry, marks: readonly Mark[], sid: string): number | undefined {
  const own = marks.find((mark) => mark.broadcast === broadcastOf(id) && isMarkedFor(sid, mark));
  return own?.done;
}

/** Whether a packet was meant for a session, which was in the room before its posts were over. */
function isFor(session: StoredSession, { entry, doneAt = deadlineOf(entry.id) }: Found): boolean {
  const { room, audience } = entry;
  if (!session.roomStamps.has(room.room)) return false;
  const since = session.since.get(room.room) ?? session.beganAt;
  return doneAt >= since - CLOCK_MARGIN && isMeant(session, room.room, audience);
}

function isMeant(
  { sid, session, tags, roomStamps }: StoredSession,
  room: string,
  { sender, except, exceptUsers = [], tag }: Omit<RoomAudience, "tenant" | "nsp" | "rooms">,
): boolean {
  if (sender === sid || exceptUsers.includes(session.userId)) return false;
  if (except.some((one) => roomStamps.has(one))) return false;
  const own = tags?.[room];
  return tag === undefined || own === undefined || own === "*" || own.includes(tag);
}

/** A copy for each match, whoever the packet is for besides. */
function copiesOf(found: Found, recall: Recall): readonly Found[] {
  const { entry, doneAt = deadlineOf(entry.id) } = found;
  if (entry.audience.criteria === undefined) return [];
  return recall
    .copies(entry.room.room, entry.audience.criteria)
    .filter(({ since }) => doneAt >= since - CLOCK_MARGIN)
    .map(({ field }) => ({ ...found, field }));
}
