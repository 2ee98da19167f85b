import type { Offset } from "#server/model/offset.ts";
import { CLOCK_MARGIN, type Cursor } from "#server/model/recovery.ts";
import type { Connection, StoredSession } from "#server/model/session.ts";
import { isPolling } from "#server/model/transport.ts";
import type { Parts } from "./parts.ts";

/**
 * What a client has received. An answered ping is as good as a packet: all that was posted a while before it has
 * come. So is what an earlier recovery knew. A client that came to a new session still names its last packet of the old one.
 */
export function cursorOf(
  { runtime }: Pick<Parts, "runtime">,
  { beganAt, completed, completedAt, floor = 0, previous }: StoredSession,
  offset: Offset | undefined,
  before: Connection | undefined,
): Cursor {
  const isOwn = offset !== undefined && offset.postedAt >= beganAt - CLOCK_MARGIN;
  const cursor: Cursor = isOwn ? offset : { postedAt: beganAt };
  const answered = lastPongOf(before) - runtime.heartbeat.pingTimeout - CLOCK_MARGIN;
  const isWhole = completed === previous?.connectedAt && answered > completedAt;
  const postedAt = Math.max(cursor.postedAt, floor, isWhole ? answered : 0);
  return { ...cursor, postedAt };
}

/**
 * When a client last answered a ping that came after all that was posted before. One that polls may answer a ping
 * that it was given long ago.
 */
const lastPongOf = (connection: Connection | undefined): number =>
  connection === undefined || (isPolling(connection.connectionId) && connection.link === undefined)
    ? 0
    : connection.lastSeenAt;
