import type { AnyApp } from "#server/app.ts";
import { copyId, type Offset, readOffset, timeOf, withOffset } from "#server/model/offset.ts";
import { isEnd, type PendingPacket } from "#server/model/packet-log.ts";
import {
  CLOCK_MARGIN,
  type Cursor,
  MOST_REPLAYED,
  replayOffset,
  replaysFrom,
  retentionOf,
  sidIn,
} from "#server/model/recovery.ts";
import {
  type Connection,
  type StoredSession,
  socketIn,
  type TakeRequest,
} from "#server/model/session.ts";
import { copyOf, PacketType, withFirst } from "#server/socket/packets.ts";
import { cursorOf } from "./cursor.ts";
import { byId, isAfterLeave, type Missed, missedIn, noteLeave, readLogs } from "./missed.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/**
 * Rounds in which packets that came meanwhile are posted before a recovery is complete. In a room in which something is
 * said 20 times a second, a round of 50 ms finds nothing with a chance of one in three: five rounds would fail one
 * return in ten, which then begins again.
 */
const MAX_ROUNDS = 20;

/** A CONNECT of a client that comes back. */
export interface RecoveryRequest extends Omit<TakeRequest, "sid" | "lostAfter"> {
  /** What it says is the offset of its last packet. */
  readonly offset: unknown;
  /** Asks once more whether it may: a revocation has found its session, or is found here. */
  readonly isRevoked: () => Promise<boolean>;
  /** Has the session join what it is to be in from now on; `false` where it may not. */
  readonly join: (session: StoredSession) => Promise<boolean>;
  /** Notes the session on its connection. */
  readonly attach: (session: StoredSession) => Promise<Connection | undefined>;
}

/** What became of a return: nothing where it must be a new session. */
export type Recovered =
  | { readonly session: StoredSession; readonly connection: Connection }
  | "superseded"
  | "revoked"
  | undefined;

interface Kit extends Parts<AnyApp> {
  readonly sender: Sender;
}

/** Brings sockets back by another connection: what they have missed comes first, and nothing is left out. */
export function createRecover(parts: Parts<AnyApp>, sender: Sender) {
  const kit: Kit = { ...parts, sender };
  return (request: RecoveryRequest) => recover(kit, request);
}

async function recover(kit: Kit, request: RecoveryRequest): Promise<Recovered> {
  const { adapter, runtime, sender } = kit;
  const { pid } = request;
  const offset = readOffset(request.offset);
  if (offset === undefined && request.offset !== undefined && request.offset !== null) return;
  const lostAfter = runtime.now() - runtime.limits.connectionStateRecovery * 1000;
  const session = await adapter.sessions.take({ ...request, sid: sidIn(pid), lostAfter });
  if (session === undefined || !isTaken(session, request)) return refused(kit, request, session);
  try {
    const recovered = await resume(kit, request, session, offset);
    if (recovered === undefined) {
      await sender.lose(session);
      await releaseSlot(kit, session);
    }
    return recovered;
  } catch (error) {
    // Its client comes back with what it has.
    await sender.abandon(session, "a recovery failed");
    throw error;
  }
}

/** A repeated call finds what the first one has made. */
const isTaken = (session: StoredSession, { connectionId, connectedAt }: RecoveryRequest): boolean =>
  session.connectionId === connectionId &&
  session.connectedAt === connectedAt &&
  session.state === "recovering";

/** A newer connection of the same client may have the session: then nothing is left for this one. */
async function refused(
  kit: Kit,
  { pid, identity, connectedAt }: RecoveryRequest,
  known: StoredSession | undefined,
): Promise<Recovered> {
  if (known?.pid !== pid) return undefined;
  const { tenant, userId } = known.session;
  if (tenant !== identity.tenant || userId !== identity.userId) return undefined;
  if (known.connectedAt > connectedAt) return "superseded";
  if (known.slot !== undefined && known.state !== "detached")
    await kit.sender.cut(known.connectionId, "its client has begun anew");
  await releaseSlot(kit, known);
  return undefined;
}

/**
 * The new session of a client that could not come back is not to find its tenant full because of the old one, which
 * nobody comes back to from here on: there would be one more than there are slots.
 */
async function releaseSlot({ adapter }: Kit, session: StoredSession): Promise<void> {
  const { slot, session: identity } = session;
  if (slot !== undefined && (await adapter.sessions.giveUp(session)))
    await adapter.slots.release(identity.tenant, slot, session);
}

/** Nothing where all that was missed cannot be filled. */
async function resume(
  kit: Kit,
  { attach, isRevoked, join }: RecoveryRequest,
  taken: StoredSession,
  offset: Offset | undefined,
): Promise<Recovered> {
  const { adapter, runtime, sender } = kit;
  if (!(await join(taken))) return undefined;
  const { old, cursor, recall } = await prepare(kit, taken, offset);
  if (isPruned(kit, cursor)) return undefined;
  const readAt = runtime.now();
  // Only now that its rooms list it: whoever has not logged yet finds it there.
  const rooms = [...taken.rooms, ...(recall?.rooms ?? [])];
  const pages = await readLogs(taken, rooms, cursor, adapter.log);
  const [session, isNow] = await Promise.all([adapter.sessions.get(taken.sid), isRevoked()]);
  if (session?.connectedAt !== taken.connectedAt) return "superseded";
  if (isNow) {
    await sender.endLost(taken);
    return "revoked";
  }
  const missed = pages && missedIn(pages, session, cursor, recall, readAt);
  if (missed === undefined || isPruned(kit, cursor)) return undefined;
  const connection = await attach(session);
  if (connection === undefined) {
    await sender.lose(session);
    return "superseded";
  }
  if (!(await replay(kit, { session, cursor, readAt }, missed))) return "superseded";
  if (old !== undefined)
    await kit.transport.discard(old.connectionId).catch((error: unknown) =>
      runtime.telemetry.fail("a connection that was taken over was not closed", error, {
        connectionId: old.connectionId,
      }),
    );
  return { session: taken, connection };
}

/** Has the rooms of a session list it by its new connection, and finds out what its client has. */
async function prepare(kit: Kit, taken: StoredSession, offset: Offset | undefined) {
  const { app, stores, adapter } = kit;
  const { previous } = taken;
  const old = previous?.state === "detached" ? undefined : previous;
  const [before, recall] = await Promise.all([
    previous && adapter.connections.get(previous.connectionId, 0),
    app.recall?.(socketIn(taken), taken.claims, stores),
    adapter.rooms.list(taken),
    refresh(kit, taken),
    old && adapter.rooms.erase(listingOf(taken), taken.rooms, [old.connectedAt]),
  ]);
  return { old, recall, cursor: cursorOf(kit, taken, offset, before) };
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
  const buffer = kit.sender.newBuffer();
  buffer.send({ connectionId, nsp }, { type: PacketType.CONNECT, data: { sid, pid } });
  for (const { frames } of buffer.take()) if (!(await post(kit, session, frames))) return false;
  for (const packet of missed.packets) {
    const offset = replayOffset(packet.id, position.cursor, position.readAt);
    if (!(await post(kit, session, framesAt(packet.frames, offset)))) return false;
  }
  return complete(kit, position, missed);
}

/** Ends a recovery once everything that was left to it has been posted. */
async function complete(kit: Kit, position: Position, missed: Missed): Promise<boolean> {
  const { adapter, sender } = kit;
  const { cursor, readAt } = position;
  const posted = new Set(missed.packets.map(({ id }) => id));
  const last = missed.packets.at(-1)?.id;
  const left = new Map(missed.left);
  for (const [room, { at }] of left)
    await adapter.rooms.leave(listingOf(position.session), [room], at);
  // Nothing of what is noted has been posted yet.
  let session: StoredSession = { ...position.session, pending: new Set() };
  for (let round = 0; round < MAX_ROUNDS && posted.size <= 2 * MOST_REPLAYED; round += 1) {
    const isNothing = posted.size === 0 && missed.unmarked.size === 0;
    const floor = isNothing ? readAt - CLOCK_MARGIN : cursor.postedAt;
    const after = await adapter.sessions.complete(session, missed.unmarked, floor);
    if (after?.state === "connected") return true;
    if (after?.state !== "recovering") return false;
    session = after;
    for (const { id, entry, field, isShared } of await pendingOf(kit, session)) {
      if (posted.has(id)) continue;
      posted.add(id);
      const { at = timeOf(entry.id) } = entry;
      noteLeave(left, session, entry);
      if (entry.leaves !== undefined)
        await adapter.rooms.leave(listingOf(session), [entry.leaves], at);
      if (!isShared && isAfterLeave(left, entry)) continue;
      const frames = copyOf(entry.frames, field);
      const offset = { ...lateOffset(position, last), id };
      const ends = isEnd(entry);
      if (!(await post(kit, session, ends ? frames : framesAt(frames, offset)))) return false;
      if (!ends) continue;
      await sender.close(session.connectionId, "the server disconnected it as it came back");
      return false;
    }
  }
  await sender.cut(session.connectionId, "more packets came than a recovery could post");
  return false;
}

/** What was left to a recovery, in the order of ids. */
async function pendingOf({ adapter }: Kit, { pending, nsp, session }: StoredSession) {
  const notes = [...pending].map(pendingIn);
  const roomOf = (room: string) => ({ tenant: session.tenant, nsp, room });
  const entries = await adapter.log.get(notes.map(({ room, id }) => ({ room: roomOf(room), id })));
  const byNote = new Map(entries.map((entry) => [`${entry.id} ${entry.room.room}`, entry]));
  return notes
    .flatMap(({ room, id, field, isShared }) => {
      const entry = byNote.get(`${id} ${room}`);
      const own = field === undefined ? id : copyId(id, field);
      return entry === undefined ? [] : [{ id: own, entry, field, isShared }];
    })
    .toSorted(byId);
}

/** What came meanwhile says no more of the log than the last packet that was in it. */
const lateOffset = ({ cursor, readAt }: Position, last: string | undefined): Omit<Offset, "id"> =>
  last === undefined
    ? { postedAt: cursor.postedAt, replayed: cursor.replayed }
    : replayOffset(last, cursor, readAt);

function pendingIn(note: string): PendingPacket {
  const [room = "", id = "", field, isShared] = JSON.parse(note) as [
    string?,
    string?,
    PendingPacket["field"]?,
    boolean?,
  ];
  return { room, id, field: field ?? undefined, isShared };
}

/** The frames of a packet, with its offset. */
const framesAt = (frames: readonly string[], offset: Offset): readonly string[] =>
  withFirst(frames, (frame) => withOffset(frame, offset));

/** Posts frames in their order; `false` where the connection is gone, or cut because nobody knows what has come. */
async function post(
  { transport, sender }: Kit,
  { connectionId }: StoredSession,
  frames: readonly string[],
): Promise<boolean> {
  const result = await transport.post(connectionId, frames).catch(async (error: unknown) => {
    await sender.cut(connectionId, "a replayed packet could not be posted");
    throw error;
  });
  if (result === "gone") await sender.disconnect(connectionId);
  return result !== "gone";
}
