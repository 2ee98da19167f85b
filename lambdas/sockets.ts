import { encodeFrame } from "#engine/frames.ts";
import { type Emits, shape } from "#events/emits.ts";
import { announceOffline } from "#events/presence/went-offline.ts";
import type { Gateway } from "#gateway/connections.ts";
import { type Connection, memberOf, type Session } from "#model/connection.ts";
import type { Limits } from "#model/limits.ts";
import { isPresenceRoom } from "#model/room.ts";
import { deliver, type Gone } from "#socket/delivery.ts";
import { createOutbox, type Emission, type Outbox } from "#socket/outbox.ts";
import { createServer } from "#socket/socket.ts";
import { type Calls, createCalls } from "#store/calls.ts";
import { type Chats, createChats } from "#store/chats.ts";
import { type Connections, createConnections } from "#store/connections.ts";
import { createIntegrations, type Integrations } from "#store/integrations.ts";
import { createMessages, type Messages } from "#store/messages.ts";
import { createPieces, type Pieces } from "#store/pieces.ts";
import { createPresence, type Presence } from "#store/presence.ts";
import { createQueries, type Queries } from "#store/queries.ts";
import { createRooms, type Rooms } from "#store/rooms.ts";
import type { Table } from "#store/table.ts";

export interface SocketsParts {
  readonly table: Table;
  readonly gateway: Gateway;
  readonly limits: Limits;
  readonly now: () => number;
  /** Called for each connection that is forgotten, before anything else happens to it. */
  readonly onForgotten?: (connectionId: string) => void;
}

/** The sockets of a deployment, as every function reaches them: where they are, and the way to them. */
export interface Sockets {
  readonly connections: Connections;
  readonly rooms: Rooms;
  readonly presence: Presence;
  readonly queries: Queries;
  readonly pieces: Pieces;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly calls: Calls;
  readonly integrations: Integrations;
  newOutbox(): Outbox;
  /** Posts emissions; forgets the connections that are gone. Throws once all is done where some post failed. */
  send(emissions: readonly Emission[]): Promise<void>;
  /** Forgets a connection and all that belongs to it; doing it twice does no harm. */
  disconnect(connectionId: string): Promise<void>;
  /** Forgets a connection and cuts it. */
  close(connectionId: string): Promise<void>;
}

/** Wires the stores to the gateway. */
export function createSockets({ table, gateway, limits, now, onForgotten }: SocketsParts): Sockets {
  const connections = createConnections(table, limits);
  const rooms = createRooms({ table, connections, now });
  const presence = createPresence({ table, rooms, now });
  const { queriesPerSocket } = limits;
  const queries = createQueries({ table, connections, now, queriesPerSocket });
  const pieces = createPieces(table);
  const chats = createChats(table);
  const messages = createMessages({ table, now, retentionDays: limits.messageRetentionDays });
  const calls = createCalls({ table, now });
  const integrations = createIntegrations({ table, now });
  const stores = { connections, rooms, presence, queries, pieces, chats, messages, calls };
  const newOutbox = () => createOutbox({ encodeFrame, shape });

  return { ...stores, integrations, newOutbox, send, disconnect, close };

  async function send(emissions: readonly Emission[]): Promise<void> {
    const { gone, ended, failures } = await deliver(emissions, {
      members: rooms.members,
      post: gateway.post,
    });
    await Promise.all([
      ...gone.map(forget),
      ...ended.map((end) => (end.close ? close(end.connectionId) : disconnect(end.connectionId))),
    ]);
    if (failures.length > 0) throw new AggregateError(failures, "some packets could not be posted");
  }

  async function forget({ connectionId, found }: Gone) {
    await Promise.all([
      disconnect(connectionId),
      ...found.map(({ org, room }) => rooms.erase(org, [room], connectionId)),
    ]);
  }

  async function close(connectionId: string): Promise<void> {
    await disconnect(connectionId);
    await gateway.close(connectionId);
  }

  async function disconnect(connectionId: string): Promise<void> {
    onForgotten?.(connectionId);
    const connection = await connections.remove(connectionId);
    if (connection === undefined) return;

    await pieces.erase(connectionId, connection.pieces);
    if (connection.session !== undefined) await endSession(connection, connection.session);
  }

  async function endSession(
    { connectionId, rooms: joined, queries: held }: Connection,
    session: Session,
  ) {
    const { org, userId } = session.identity;
    const member = memberOf(connectionId, session.identity);
    await Promise.all([
      rooms.erase(org, joined, connectionId),
      queries.erase(org, connectionId, held),
    ]);
    const last = await presence.exit(member, joined.filter(isPresenceRoom));

    const outbox = newOutbox();
    const { to } = createServer<Emits>(org, outbox);
    announceOffline(to, userId, last, new Date(now()).toISOString());
    await send(outbox.emissions);
  }
}
