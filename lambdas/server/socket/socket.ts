import type { Identity } from "#mudbase/model/identity.ts";
import { type Member, memberOf, type Session } from "#server/model/connection.ts";
import type { Room } from "#server/model/room.ts";
import { type Broadcast, createBroadcast, type Emit, type EventMap } from "./broadcast.ts";
import type { Outbox } from "./emit-buffer.ts";

/** The calling socket, with Socket.IO's words. What it emits waits in the outbox. */
export interface Socket<Events extends EventMap> {
  readonly id: string;
  readonly connectionId: string;
  readonly identity: Identity;
  readonly userId: string;
  readonly emit: Emit<Events>;
  /** The other sockets of a room. */
  to(room: Room | readonly Room[]): Broadcast<Events>;
  join(room: Room | readonly Room[]): Promise<void>;
  /** Leaves rooms and gives those it was in. */
  leave(room: Room | readonly Room[]): Promise<readonly Room[]>;
  /** Ends this session; `close` cuts the connection as well. */
  disconnect(close?: boolean): void;
}

/** All sockets of one organisation, with Socket.IO's words. */
export interface Server<Events extends EventMap> {
  to(room: Room | readonly Room[]): Broadcast<Events>;
  in(room: Room | readonly Room[]): Broadcast<Events>;
}

/** Puts a socket into rooms and takes it out again. */
export interface Membership {
  join(member: Member, rooms: readonly Room[]): Promise<void>;
  leave(member: Member, rooms: readonly Room[]): Promise<readonly Room[]>;
}

export interface SocketParts {
  readonly connectionId: string;
  readonly session: Session;
  readonly outbox: Outbox;
  readonly rooms: Membership;
}

/** The socket behind a connection. */
export function createSocket<Events extends EventMap>(parts: SocketParts): Socket<Events> {
  const { connectionId, session, outbox, rooms } = parts;
  const { id, identity } = session;
  const member = memberOf(connectionId, identity);
  const { org, userId } = member;
  const self = { connectionId };
  return {
    id,
    connectionId,
    identity,
    userId,
    emit: (event, payload) => outbox.emit(self, event, payload),
    to: (room) =>
      createBroadcast(outbox, { org, rooms: [room].flat(), except: [], sender: connectionId }),
    join: (room) => rooms.join(member, [room].flat()),
    leave: (room) => rooms.leave(member, [room].flat()),
    disconnect: (close = false) => outbox.disconnect(self, close),
  };
}

/** The sockets of an organisation. */
export function createServer<Events extends EventMap>(org: string, outbox: Outbox): Server<Events> {
  const to = (room: Room | readonly Room[]) =>
    createBroadcast<Events>(outbox, { org, rooms: [room].flat(), except: [] });
  return { to, in: to };
}
