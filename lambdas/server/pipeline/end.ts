import {
  type Connection,
  type SocketKey,
  type StoredSession,
  socketsOf,
} from "#server/model/session.ts";
import type { Gone } from "./deliver.ts";
import { hasNamespaces } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

/** What sockets are ended with: each function gives what was known of those that it has ended. */
export interface EndingParts extends Parts {
  readonly onEnded: (connectionId: string) => void;
}

/** Ends a connection with its sockets. */
export async function end(
  kit: EndingParts,
  connectionId: string,
): Promise<readonly StoredSession[]> {
  const { onEnded } = kit;
  const { telemetry, now } = kit.runtime;
  const { connections } = kit.adapter;
  onEnded(connectionId);
  const connection = await connections.end(connectionId, now());
  if (connection === undefined) return [];
  telemetry.count("ConnectionsClosed");
  await eraseParts(kit, connection);
  const ended = await Promise.all(socketsOf(connection).map((socket) => endSession(kit, socket)));
  return ended.flat();
}

/** Ends one socket; without others its connection has nothing left to live for. */
export async function endSocket(
  kit: EndingParts,
  socket: SocketKey,
): Promise<readonly StoredSession[]> {
  const { connections, sessions } = kit.adapter;
  const { connectionId, sid } = socket;
  if (!hasNamespaces(kit.app)) return end(kit, connectionId);
  const connection = await connections.get(connectionId);
  const others = Object.values(connection?.sockets ?? {}).filter(({ id }) => id !== sid);
  if (others.length === 0) return end(kit, connectionId);
  const ended = await endSession(kit, socket);
  await connections.detach(socket);
  await sessions.remove([sid]);
  return ended;
}

export async function endGone(
  kit: EndingParts,
  { connectionId, found }: Gone,
): Promise<readonly StoredSession[]> {
  const { rooms } = kit.adapter;
  const [ended] = await Promise.all([
    end(kit, connectionId),
    ...found.map(({ room, ...listing }) => rooms.erase(listing, [room])),
  ]);
  return ended;
}

/** Does again what was done when a connection ended, for whatever was left or under way then. */
export async function clear(
  kit: EndingParts,
  connection: Connection,
): Promise<readonly StoredSession[]> {
  await eraseParts(kit, connection);
  const sockets = socketsOf(connection);
  await Promise.all(sockets.map(({ sid }) => kit.adapter.sessions.end(sid)));
  const ended = await kit.adapter.sessions.getAll(sockets.map(({ sid }) => sid));
  return Promise.all(ended.map((session) => clearSession(kit, session)));
}

async function eraseParts({ adapter }: EndingParts, { connectionId, parts }: Connection) {
  await adapter.binaryParts.erase(connectionId, parts);
}

async function endSession(kit: EndingParts, { sid }: SocketKey): Promise<readonly StoredSession[]> {
  const ended = await kit.adapter.sessions.end(sid);
  return ended === undefined ? [] : [await clearSession(kit, ended)];
}

/** Deletes whatever a session has, or may have. */
export async function clearSession(kit: EndingParts, ended: StoredSession): Promise<StoredSession> {
  const { app, stores } = kit;
  const { rooms, slots } = kit.adapter;
  const { sid, connectionId, nsp, session, slot, claims, previousClaims } = ended;
  const { id, tenant, userId, data } = session;
  if (slot !== undefined) await slots.release(tenant, slot, connectionId);
  const departed = { id, tenant, userId, data, connectionId, nsp };
  await app.namespaces[nsp]?.release?.(departed, [claims, previousClaims], stores);
  await rooms.erase({ sid, tenant, nsp }, [...ended.rooms, ...ended.left]);
  return ended;
}
