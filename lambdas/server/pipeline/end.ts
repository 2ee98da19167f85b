import {
  type Connection,
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
  const ended = await Promise.all(socketsOf(connection).map(({ sid }) => endSession(kit, sid)));
  return ended.flat();
}

/** Ends one socket, for all that was received after a time; its connection stays. */
export async function endSocket(
  kit: EndingParts,
  socket: SocketKey,
  at: number,
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
  else if (departed[sid] === undefined) return [];
  return endSession(kit, sid);
}

export async function endGone(
  kit: EndingParts,
  { connectionId, found }: Gone,
): Promise<readonly StoredSession[]> {
  const { rooms } = kit.adapter;
  const [ended] = await Promise.all([
    end(kit, connectionId),
    ...found.map(({ room, connectedAt, ...listing }) =>
      rooms.erase(listing, [room], [connectedAt]),
    ),
  ]);
  return ended;
}

/** Does again what was done when sockets ended, for whatever was left or under way then. */
export async function clear(
  kit: EndingParts,
  sids: readonly string[],
): Promise<readonly StoredSession[]> {
  const { sessions } = kit.adapter;
  await Promise.all(sids.map((sid) => sessions.end(sid)));
  const ended = await sessions.getAll(sids);
  return Promise.all(ended.map((session) => clearSession(kit, session)));
}

/** The sessions that a connection has, or had. */
export const sidsOf = (connection: Connection): readonly string[] =>
  [...socketsOf(connection), ...departedOf(connection)].map(({ sid }) => sid);

async function eraseParts({ adapter }: EndingParts, { connectionId, parts }: Connection) {
  await adapter.binaryParts.erase(connectionId, parts);
}

async function endSession(kit: EndingParts, sid: string): Promise<readonly StoredSession[]> {
  const ended = await kit.adapter.sessions.end(sid);
  return ended === undefined ? [] : [await clearSession(kit, ended)];
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
  await rooms.erase({ sid, tenant, nsp }, [...ended.rooms, ...ended.left], ended.epochs);
  return ended;
}
