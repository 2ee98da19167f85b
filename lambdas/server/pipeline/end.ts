import { isTakenOver } from "#server/model/polling.ts";
import {
  type Connection,
  type DisconnectReason,
  departedOf,
  type SocketKey,
  type StoredSession,
  socketIn,
  socketsOf,
} from "#server/model/session.ts";
import type { Gone } from "./deliver.ts";
import type { Parts } from "./parts.ts";

/** What sockets are ended with: each function gives what was known of those that it has ended. */
export interface EndingParts extends Parts {
  readonly onEnded: (connectionId: string) => void;
}

/** Why a connection ends; where `isFinal`, its sockets cannot come back by another. */
export interface End {
  readonly reason: DisconnectReason;
  readonly isFinal?: boolean;
}

/** What a connection carries, and has carried. */
export type Carried = Pick<Connection, "connectionId" | "sockets" | "departed">;

/** How a connection ends that is only found to be gone. */
export const LOST: End = { reason: "transport close" };

/** Whether sockets may come back in this deployment. */
export const recovers = ({ runtime }: Pick<Parts, "runtime">): boolean =>
  runtime.limits.connectionStateRecovery > 0;

/** Ends a connection, with those of its sockets that cannot come back. */
export async function end(
  kit: EndingParts,
  connectionId: string,
  { reason, isFinal = false }: End,
  endedLink?: string,
): Promise<readonly StoredSession[]> {
  const { onEnded } = kit;
  const { telemetry, now } = kit.runtime;
  const { connections } = kit.adapter;
  onEnded(connectionId);
  const mayComeBack = recovers(kit) && !isFinal;
  const ended = await connections.end(connectionId, now());
  if (ended?.owner !== undefined)
    return endLink(kit, ended.owner, connectionId, { reason, isFinal });
  if (ended !== undefined) telemetry.count("ConnectionsClosed");
  // A client that is disconnected goes at once: its sessions may have only lost their connection by now.
  const connection =
    ended ?? (recovers(kit) && isFinal ? await connections.find(connectionId) : ended);
  if (connection === undefined) return [];
  if (ended !== undefined) await eraseParts(kit, ended);
  // Its own end may be lost.
  if (ended?.link !== undefined && ended.link !== endedLink)
    await connections.end(ended.link, now());
  const sessions = await Promise.all(
    socketsOf(connection).map((socket) =>
      mayComeBack ? lose(kit, socket, reason) : endSession(kit, socket, reason),
    ),
  );
  return sessions.flat();
}

/** Ends a link: with its owner where it has taken over from it, alone where it has not yet. */
async function endLink(
  kit: EndingParts,
  owner: string,
  link: string,
  how: End,
): Promise<readonly StoredSession[]> {
  const { adapter, transport } = kit;
  if (await adapter.queues.unprobe(owner, link)) return [];
  const queue = await adapter.queues.find(owner);
  if (queue?.link !== link || !isTakenOver(queue)) return [];
  const ended = await end(kit, owner, how, link);
  await transport.discard(owner);
  return ended;
}

/** Ends one socket, for all that was received after a time; its connection stays. */
export async function endSocket(
  kit: EndingParts,
  socket: SocketKey,
  at: number,
  reason: DisconnectReason,
): Promise<readonly StoredSession[]> {
  const { onEnded } = kit;
  const { connections } = kit.adapter;
  onEnded(socket.connectionId);
  const { connectionId, nsp, sid } = socket;
  const { sockets = {}, departed = {} } = (await connections.get(connectionId)) ?? {};
  const session = sockets[nsp];
  // Whatever breaks off after this, the connection knows that there is something to end.
  if (session?.id === sid)
    await connections.detach(socket, {
      ...{ nsp, session, receivedAt: at, detachedAt: kit.runtime.now() },
    });
  // Its connection may have ended before this was handled: then its session has only lost it.
  else if (departed[sid] === undefined && !recovers(kit)) return [];
  return endSession(kit, socket, reason);
}

export async function endGone(
  kit: EndingParts,
  { connectionId, found }: Gone,
): Promise<readonly StoredSession[]> {
  const { rooms } = kit.adapter;
  const [ended] = await Promise.all([
    end(kit, connectionId, LOST),
    ...found.map(({ room, connectedAt, ...listing }) =>
      rooms.erase(listing, [room], [connectedAt]),
    ),
  ]);
  return ended;
}

/** Does again what was done when sockets ended, or lost their connection, for whatever was left or under way then. */
export async function clear(
  kit: EndingParts,
  connection: Carried,
): Promise<readonly StoredSession[]> {
  const { reason } = LOST;
  const { sessions } = kit.adapter;
  const [sockets, departed] = [socketsOf(connection), departedOf(connection)];
  const lost = recovers(kit) ? sockets : [];
  const gone = recovers(kit) ? departed : [...sockets, ...departed];
  await Promise.all([
    ...lost.map((socket) => lose(kit, socket, reason)),
    ...gone.map(({ sid, connectionId }) => sessions.end(sid, reason, { connectionId })),
  ]);
  const known = await sessions.getAll([...sockets, ...departed].map(({ sid }) => sid));
  // One that has come back is cleared with the connection that it had last.
  return clearEnded(
    kit,
    known.filter(({ connectionId }) => connectionId === connection.connectionId),
  );
}

/** Deletes again whatever those of these sessions have left that have ended. */
export const clearEnded = (
  kit: EndingParts,
  sessions: readonly StoredSession[],
): Promise<readonly StoredSession[]> =>
  Promise.all(
    sessions
      .filter(({ endedAt }) => endedAt !== undefined)
      .map((session) => clearSession(kit, session)),
  );

/** Ends a session that has lost its connection, unless it has come back since. */
export async function endLost(
  kit: EndingParts,
  { sid, reason = LOST.reason, lostAt = 0 }: StoredSession,
): Promise<readonly StoredSession[]> {
  const ended = await kit.adapter.sessions.end(sid, reason, { lostAt });
  return ended === undefined ? [] : [await clearOrLeave(kit, ended)];
}

async function eraseParts({ adapter }: EndingParts, { connectionId, parts }: Connection) {
  await adapter.binaryParts.erase(connectionId, parts);
}

/** Takes a socket whose connection is gone off the lists of its rooms, and lets everything else wait for its return. */
export async function lose(
  kit: EndingParts,
  { sid, connectionId }: Pick<SocketKey, "sid" | "connectionId">,
  reason: DisconnectReason,
): Promise<readonly StoredSession[]> {
  const { sessions, rooms } = kit.adapter;
  const lost = await sessions.lose(sid, connectionId, reason);
  if (lost === undefined) return [];
  const { nsp, connectedAt, session } = lost;
  const listing = { sid, tenant: session.tenant, nsp };
  await rooms.erase(listing, [...lost.rooms, ...lost.left], [connectedAt]);
  return [];
}

/** Ends a session that is still reached by this connection. */
async function endSession(
  kit: EndingParts,
  { sid, connectionId }: Pick<SocketKey, "sid" | "connectionId">,
  reason: DisconnectReason,
): Promise<readonly StoredSession[]> {
  const ended = await kit.adapter.sessions.end(sid, reason, { connectionId });
  return ended === undefined ? [] : [await clearOrLeave(kit, ended)];
}

/** The first time; what fails is left to the sweep, because nobody else would have the application told of the end. */
async function clearOrLeave(kit: EndingParts, ended: StoredSession): Promise<StoredSession> {
  const { connectionId } = ended;
  return clearSession(kit, ended).catch((error: unknown) => {
    kit.runtime.telemetry.fail("a session that has ended was not cleared", error, { connectionId });
    return ended;
  });
}

/** Deletes whatever a session has, or may have. */
async function clearSession(kit: EndingParts, ended: StoredSession): Promise<StoredSession> {
  const { app, stores } = kit;
  const { rooms, slots } = kit.adapter;
  const { sid, nsp, slot } = ended;
  const { tenant } = ended.session;
  if (slot !== undefined) await slots.release(tenant, slot, ended);
  const claims = [...ended.claims, ...ended.gone];
  await app.namespaces[nsp]?.release?.(socketIn(ended), { rooms: [], claims }, stores);
  await rooms.erase(
    { sid, tenant, nsp },
    [...ended.rooms, ...ended.left],
    [...ended.epochs.keys()],
  );
  return ended;
}
