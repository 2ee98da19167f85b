import type { AnyApp } from "#server/app.ts";
import { type Offset, readOffset, withOffset } from "#server/model/offset.ts";
import type { PendingPacket } from "#server/model/packet-log.ts";
import {
  CLOCK_MARGIN,
  type Cursor,
  replayOffset,
  replaysFrom,
  retentionOf,
} from "#server/model/recovery.ts";
import {
  type Connection,
  type Identity,
  type StoredSession,
  socketIn,
} from "#server/model/session.ts";
import { PacketType } from "#server/socket/packets.ts";
import { framesOf, keyOf, type Missed, type MissedPacket, missedIn, readLogs } from "./missed.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** Rounds in which packets that came meanwhile are posted before a recovery is complete. */
const MAX_ROUNDS = 5;

/** A CONNECT of a client that comes back. */
export interface Comeback {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly nsp: string;
  readonly pid: string;
  /** What it says is the offset of its last packet. */
  readonly offset: unknown;
  readonly identity: Identity;
  readonly isSameData: boolean;
  /** Asks once more whether it may: a revocation has found its session, or is found here. */
  readonly isRevoked: () => Promise<boolean>;
  /** Notes the session on its connection. */
  readonly attach: (session: StoredSession) => Promise<Connection | undefined>;
}

/** What became of a return: nothing where it must be a new session. */
export type Recovered =
  | { readonly session: StoredSession; readonly connection: Connection }
  | "illegal"
  | undefined;

interface Kit extends Parts<AnyApp> {
  readonly sender: Sender;
}

/** Brings sockets back by another connection: what they have missed comes first, and nothing is left out. */
export function createRecover(parts: Parts<AnyApp>, sender: Sender) {
  const kit: Kit = { ...parts, sender };
  return (comeback: Comeback) => recover(kit, comeback);
}

/** The id of a session is the first part of what proves that a client may come back to it. */
const sidIn = (pid: string): string => pid.split(".")[0] ?? "";

async function recover(kit: Kit, comeback: Comeback): Promise<Recovered> {
  const { adapter, runtime } = kit;
  const { pid } = comeback;
  const offset = readOffset(comeback.offset);
  if (offset === undefined && comeback.offset !== undefined && comeback.offset !== null) return;
  const lostAfter = runtime.now() - runtime.limits.connectionStateRecovery * 1000;
  const session = await adapter.sessions.take({ ...comeback, sid: sidIn(pid), lostAfter });
  if (session === undefined) return refused(kit, comeback);
  try {
    const connection = await resume(kit, comeback, session, offset);
    if (connection === undefined) await kit.sender.lose(session);
    return connection && (connection === "illegal" ? connection : { session, connection });
  } catch (error) {
    // Its client comes back with what it has.
    await kit.sender.abandon(session, "a recovery failed");
    throw error;
  }
}

/** A newer connection of the same client may have the session: then nothing is left for this one. */
async function refused(kit: Kit, { pid, identity, connectedAt }: Comeback): Promise<Recovered> {
  const known = await kit.adapter.sessions.get(sidIn(pid));
  const isOwn =
    known?.pid === pid &&
    known.session.tenant === identity.tenant &&
    known.session.userId === identity.userId;
  return isOwn && known.connectedAt > connectedAt ? "illegal" : undefined;
}

/** Nothing where all that was missed cannot be filled. */
async function resume(
  kit: Kit,
  { attach, isRevoked }: Comeback,
  taken: StoredSession,
  offset: Offset | undefined,
): Promise<Connection | "illegal" | undefined> {
  const { app, stores, adapter, runtime } = kit;
  const { previous, sid } = taken;
  const old = previous?.state === "detached" ? undefined : previous;
  const [before, recall] = await Promise.all([
    previous && adapter.connections.get(previous.connectionId, 0),
    app.recall?.(socketIn(taken), taken.claims, stores),
    adapter.rooms.list(taken),
    old && adapter.rooms.erase(listingOf(taken), taken.rooms, [old.connectedAt]),
  ]);
  const cursor = cursorOf(kit, taken, offset, before?.lastSeenAt ?? 0);
  const readAt = runtime.now();
  // Only now that its rooms list it: whoever has not logged yet finds it there.
  const rooms = [...taken.rooms, ...(recall?.rooms ?? [])];
  const pages = await readLogs(taken, rooms, cursor, adapter.log);
  const [session, isNow] = await Promise.all([adapter.sessions.get(sid), isRevoked()]);
  if (session?.connectedAt !== taken.connectedAt || isNow) return "illegal";
  const missed = pages && missedIn(pages, session, cursor, recall);
  if (missed === undefined || isPruned(kit, cursor)) return undefined;
  const connection = await attach(session);
  if (connection === undefined) return "illegal";
  for (const { room, at } of missed.left) await adapter.rooms.leave(listingOf(session), [room], at);
  const isDone = await replay(kit, { session, cursor, readAt }, missed);
  if (!isDone) return "illegal";
  await Promise.all([old && runtime.gateway.close(old.connectionId), refresh(kit, session)]).catch(
    (error: unknown) =>
      runtime.telemetry.fail("a socket that came back was not refreshed", error, { sid }),
  );
  return connection;
}

/** Everything that a session has would be deleted by DynamoDB some time after its first connection could have ended. */
async function refresh({ app, adapter, stores }: Kit, session: StoredSession): Promise<void> {
  const { slot, rooms, claims } = session;
  const { tenant } = session.session;
  await Promise.all([
    slot !== undefined && adapter.slots.refresh(tenant, slot, session),
    app.namespaces[session.nsp]?.refresh?.(socketIn(session), { rooms, claims }, stores),
  ]);
}

const listingOf = ({ sid, nsp, session: { tenant } }: StoredSession) => ({ sid, nsp, tenant });

/** What an answered ping shows is as good as a packet: all that was posted a while before it has come. */
function cursorOf(
  { runtime }: Kit,
  { beganAt, completed, completedAt, previous }: StoredSession,
  offset: Offset | undefined,
  lastPong: number,
): Cursor {
  const cursor = offset ?? { postedAt: beganAt };
  const answered = lastPong - runtime.heartbeat.pingTimeout - CLOCK_MARGIN;
  const isWhole = completed === previous?.connectedAt && answered > completedAt;
  return isWhole && answered > cursor.postedAt ? { ...cursor, postedAt: answered } : cursor;
}

/** Whether the log may no longer hold all that the client has missed. */
function isPruned({ runtime }: Kit, cursor: Cursor): boolean {
  const window = runtime.limits.connectionStateRecovery * 1000;
  return replaysFrom(cursor) < runtime.now() - retentionOf(runtime.heartbeat, window);
}

/** A session whose client is sent what it has missed, from a log read at a time. */
interface Position {
  readonly session: StoredSession;
  readonly cursor: Cursor;
  readonly readAt: number;
}

/** Answers CONNECT, posts what was missed, and whatever came meanwhile, one after another. */
async function replay(kit: Kit, position: Position, missed: Missed): Promise<boolean> {
  const { session } = position;
  const { sid, pid, nsp, connectionId } = session;
  const buffer = kit.sender.newBuffer(nsp);
  buffer.send({ connectionId, nsp }, { type: PacketType.CONNECT, data: { sid, pid } });
  for (const { frames } of buffer.take()) if (!(await post(kit, session, frames))) return false;
  for (const packet of missed.packets) {
    const offset = replayOffset(packet.id, position.cursor, position.readAt);
    if (!(await post(kit, session, framesAt(packet, offset)))) return false;
  }
  return complete(kit, position, missed);
}

/** Ends a recovery once everything that was left to it has been posted. */
async function complete(kit: Kit, position: Position, missed: Missed): Promise<boolean> {
  const { sessions, log } = kit.adapter;
  const { nsp, session: identity } = position.session;
  const posted = new Set(missed.packets.map(keyOf));
  const last = missed.packets.at(-1)?.id;
  let { session } = position;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const after = await sessions.complete(session, [...new Set(missed.unmarked)]);
    if (after?.state === "connected") return true;
    if (after?.state !== "recovering") return false;
    session = after;
    const pending = [...after.pending].map((note) => pendingIn(note));
    const where = ({ room }: PendingPacket) => ({ tenant: identity.tenant, nsp, room });
    const entries = await log.get(pending.map((one) => ({ room: where(one), id: one.id })));
    const frames = new Map(
      entries.map((entry) => [`${entry.room.room} ${entry.id}`, entry.frames]),
    );
    const waiting = pending
      .map((one) => ({ ...one, frames: frames.get(`${one.room} ${one.id}`) ?? [] }))
      .filter((one) => one.frames.length > 0 && !posted.has(keyOf(one)))
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    for (const packet of waiting) {
      if (posted.has(keyOf(packet))) continue;
      posted.add(keyOf(packet));
      const offset = { ...lateOffset(position, last), id: packet.id };
      if (!(await post(kit, session, framesAt(packet, offset)))) return false;
    }
  }
  await kit.sender.cut(session.connectionId, "more packets came than a recovery could post");
  return false;
}

/** What came meanwhile says no more of the log than the last packet that was in it. */
const lateOffset = ({ cursor, readAt }: Position, last: string | undefined): Omit<Offset, "id"> =>
  last === undefined
    ? { postedAt: cursor.postedAt, replayed: cursor.replayed }
    : replayOffset(last, cursor, readAt);

function pendingIn(note: string): PendingPacket {
  const [room = "", id = "", field] = JSON.parse(note) as [
    string?,
    string?,
    PendingPacket["field"]?,
  ];
  return { room, id, field: field ?? undefined };
}

/** The frames of a packet, with its offset. */
const framesAt = (packet: MissedPacket, offset: Offset): readonly string[] =>
  framesOf(packet).map((frame, index) => (index > 0 ? frame : withOffset(frame, offset)));

/** Posts frames in their order; `false` where the connection is gone, or cut because nobody knows what has come. */
async function post(
  { runtime, sender }: Kit,
  { connectionId }: StoredSession,
  frames: readonly string[],
): Promise<boolean> {
  for (const frame of frames) {
    const result = await runtime.gateway.post(connectionId, frame).catch(async (error: unknown) => {
      await sender.cut(connectionId, "a replayed packet could not be posted");
      throw error;
    });
    if (result === "gone") {
      await sender.disconnect(connectionId);
      return false;
    }
  }
  return true;
}
