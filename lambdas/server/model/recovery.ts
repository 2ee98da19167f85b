import type { Heartbeat } from "./limits.ts";
import { MAX_RUN } from "./limits.ts";
import { broadcastOf, type Offset, timeOf } from "./offset.ts";
import type { StoredSession } from "./session.ts";

/** Milliseconds after the start of a broadcast at which its last post has been answered, or is not begun. */
export const DEADLINE = MAX_RUN;

/**
 * Milliseconds after which no try of a post is begun: one that is takes 3 s to connect and 8 s to be answered. What is
 * for a client that polls may wait 2 s for room in its queue.
 */
const LATEST_POST = DEADLINE - 12_000;

/** Milliseconds by which clocks may differ. */
export const CLOCK_MARGIN = 50;

/** Packets that one recovery replays: more is a new session. */
export const MOST_REPLAYED = 500;

/** Connections under which something of one session may be listed: one more return before a sweep is a new session. */
export const MOST_EPOCHS = 60;

/** What one recovery reads of logs, in entries and marks, and in bytes of frames: more is a new session. */
export const MOST_READ = 4000;
export const MOST_READ_BYTES = 8_000_000;

/** A ping may be that late, in milliseconds. */
const LATE_PING = 60_000;

/** Milliseconds for which the log reaches back: a half-open connection is noticed that late. */
export const retentionOf = (
  { pingInterval, pingTimeout }: Pick<Heartbeat, "pingInterval" | "pingTimeout">,
  window: number,
): number => window + pingInterval + LATE_PING + pingTimeout + DEADLINE + CLOCK_MARGIN;

/** Whether a packet that a recovery has posted may still be on its way otherwise. */
export const mayStillCome = (
  { completedAt, replayed }: Pick<StoredSession, "completedAt" | "replayed">,
  now: number,
): boolean => replayed.size > 0 && now - completedAt <= DEADLINE;

/** What a client is known to have received: all whose posts were over before this. */
export interface Cursor extends Pick<Offset, "postedAt" | "replayed"> {
  readonly id?: string | undefined;
}

/** From what time on a broadcast may have begun that a client has not received, in epoch milliseconds. */
export const replaysFrom = ({ postedAt }: Cursor): number => postedAt - DEADLINE - CLOCK_MARGIN;

/**
 * Whether a client surely has a packet: `doneAt` is when the last of its posts in the session's key range was
 * answered. The order of ids is no order of posts, so times are compared, with the margin of clocks.
 */
export function isReceived(id: string, doneAt: number, { id: last, ...cursor }: Cursor): boolean {
  const { postedAt, replayed } = cursor;
  const known = [last, replayed?.anchor].filter((one) => one !== undefined && one !== "");
  if (known.some((one) => id === one || isBeforeIn(id, String(one)))) return true;
  if (doneAt < postedAt - CLOCK_MARGIN) return true;
  return replayed !== undefined && id <= replayed.upTo && doneAt < replayed.readAt - CLOCK_MARGIN;
}

/** Packets of one broadcast are posted in their order. */
const isBeforeIn = (id: string, last: string): boolean =>
  broadcastOf(id) === broadcastOf(last) && id < last;

/** When the last try to post a packet may begin. */
export const latestPostOf = (id: string): number => timeOf(id) + LATEST_POST;

/** Whether so little time is left to post a packet that it is sent anew, as a broadcast of its own. */
export const isOverdue = (id: string, now: number): boolean => now > timeOf(id) + LATEST_POST / 2;

/** When the posts of a packet were over of which no mark says so. */
export const deadlineOf = (id: string): number => timeOf(id) + DEADLINE;

/** The offset of a packet that is replayed to a client with this cursor, from a log read at this time. */
export function replayOffset(
  id: string,
  { id: last, postedAt, replayed }: Cursor,
  readAt: number,
): Offset {
  // What was in the replay that it came back from keeps its place in that.
  if (replayed !== undefined && id <= replayed.upTo) return { id, postedAt, replayed };
  const anchor = replayed?.anchor ?? last ?? "";
  return { id, postedAt, replayed: { readAt, upTo: id, anchor } };
}

/** The id of a session is the first part of what proves that a client may come back to it. */
export const sidIn = (pid: string): string => pid.split(".")[0] ?? "";
