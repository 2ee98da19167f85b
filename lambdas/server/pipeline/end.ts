import { type Connection, MAIN, type SocketKey, socketsBeside } from "#server/model/session.ts";
import type { Gone } from "./deliver.ts";
import { hasNamespaces } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

/** What sockets are ended with: each function gives what was known of those that it has ended. */
export interface EndingParts extends Parts {
  readonly onEnded: (connectionId: string) => void;
}

export async function end(kit: EndingParts, connectionId: string): Promise<readonly Connection[]> {
  const { onEnded } = kit;
  const { telemetry, now } = kit.runtime;
  const { connections } = kit.adapter;
  onEnded(connectionId);
  const connection = await connections.end(connectionId, now());
  if (connection === undefined) return [];
  telemetry.count("ConnectionsClosed");
  return clear(kit, connection);
}

export async function endSocket(
  kit: EndingParts,
  socket: SocketKey,
): Promise<readonly Connection[]> {
  const { app } = kit;
  // The only socket of its connection: that has nothing left to live for.
  if (!hasNamespaces(app)) return end(kit, socket.connectionId);
  return socket.nsp === MAIN ? endMain(kit, socket) : endBeside(kit, socket);
}

/** The socket in `/` shares its item with the connection, which stays for the others. */
async function endMain(kit: EndingParts, socket: SocketKey): Promise<readonly Connection[]> {
  const { connections } = kit.adapter;
  const connection = await connections.get(socket);
  if (connection?.session === undefined) return [];
  const { connectionId, namespaces, session } = connection;
  if (Object.keys(namespaces).length === 0) return end(kit, connectionId);
  await clearSocket(kit, connection);
  const left = await connections.leaveMain(connectionId, session.id);
  // What it joined in the meantime, too.
  return left === undefined ? [] : [await clearSocket(kit, left)];
}

async function endBeside(kit: EndingParts, socket: SocketKey): Promise<readonly Connection[]> {
  const { now } = kit.runtime;
  const { connections } = kit.adapter;
  const ended = await connections.endBeside(socket, now());
  if (ended === undefined) return [];
  await clearSocket(kit, ended);
  await connections.forgetBeside(ended);
  return [ended];
}

export async function endGone(
  kit: EndingParts,
  { connectionId, found }: Gone,
): Promise<readonly Connection[]> {
  const { rooms } = kit.adapter;
  const [ended] = await Promise.all([
    end(kit, connectionId),
    ...found.map(({ room, ...where }) => rooms.erase({ ...where, connectionId }, [room])),
  ]);
  return ended;
}

export async function clear(
  kit: EndingParts,
  connection: Connection,
): Promise<readonly Connection[]> {
  const { now } = kit.runtime;
  const { connections, binaryParts } = kit.adapter;
  const { connectionId } = connection;
  await binaryParts.erase(connectionId, connection.parts);
  const others = socketsBeside(connection);
  for (const socket of others) await connections.endBeside(socket, now());
  const beside = await connections.getAll(others);
  return Promise.all([connection, ...beside].map((one) => clearSocket(kit, one)));
}

async function clearSocket(kit: EndingParts, connection: Connection): Promise<Connection> {
  const { app, stores } = kit;
  const { rooms, slots } = kit.adapter;
  const { connectionId, nsp, session, slot, claims, previousClaims } = connection;
  if (session === undefined) return connection;
  const { id, tenant, userId, data } = session;
  if (slot !== undefined) await slots.release(tenant, slot, connectionId);
  const departed = { id, tenant, userId, data, connectionId, nsp };
  await app.namespaces[nsp]?.release?.(departed, [claims, previousClaims], stores);
  await rooms.erase(departed, [...connection.rooms, ...connection.left]);
  return connection;
}
