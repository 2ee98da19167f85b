import type { Member, Session, SocketKey } from "#server/model/session.ts";
import {
  type Broadcast,
  createBroadcast,
  createIo,
  type Emit,
  type Io,
  type Outlet,
  type Types,
  type Untyped,
} from "./broadcast.ts";

/** The calling socket, with Socket.IO's words. What it emits waits in the buffer. */
export interface Socket<T extends Types = Untyped> {
  /** The session's public id (`sid`). */
  readonly id: string;
  readonly connectionId: string;
  readonly tenant: string;
  readonly userId: string;
  /** What the application keeps with the socket; at most 8 KB; changes are kept when the handler has returned. */
  readonly data: T["Data"];
  /** All sockets of the tenant in this namespace. */
  readonly nsp: Io<T> & { readonly name: string };
  readonly emit: Emit<T["Emits"]>;
  /** The other sockets of a room. */
  to(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** All other sockets of the tenant in this namespace. */
  readonly broadcast: Broadcast<T>;
  join(room: T["Room"] | readonly T["Room"][]): Promise<void>;
  /** Leaves rooms and gives those it was in. */
  leave(room: T["Room"] | readonly T["Room"][]): Promise<readonly T["Room"][]>;
  /** The rooms it is in, in whatever order. */
  rooms(): Promise<readonly T["Room"][]>;
  /**
   * Notes something that the application is about to keep elsewhere for this socket, under a key of its
   * own, at most so many of `what`: where the socket ends, `release` is given all of them. Gives what it
   * replaces.
   */
  claim(
    key: string,
    value: unknown,
    max: number,
    what: string,
  ): Promise<{ readonly previous?: unknown }>;
  /** Ends this session; `close` cuts the connection as well. */
  disconnect(close?: boolean): void;
}

/** What a socket asks of the store. */
export type Membership = Pick<Socket, "join" | "leave" | "rooms" | "claim">;

/** The member behind a session. */
export const memberOf = (key: SocketKey, { tenant, userId }: Session): Member => ({
  ...key,
  tenant,
  userId,
});

/** The socket behind a session. */
export function createSocket<T extends Types>(
  key: SocketKey,
  session: Session,
  outlet: Outlet,
  membership: Membership,
  everyone: string,
): Socket<T> {
  const { id, tenant, userId, data } = session;
  const { connectionId, nsp } = key;
  const { buffer } = outlet;
  const to = (room: string | readonly string[]) =>
    createBroadcast<T>(outlet, {
      ...{ tenant, nsp, rooms: [room].flat(), except: [], sender: id },
    });
  const { join, leave, rooms, claim } = membership;
  return {
    ...{ id, connectionId, tenant, userId, data, to, join, claim },
    leave: leave as Socket<T>["leave"],
    rooms: rooms as Socket<T>["rooms"],
    // Made when they are asked for: most events ask for neither.
    get nsp() {
      return Object.assign(createIo<T>(outlet, { tenant, nsp }, everyone), { name: nsp });
    },
    get broadcast() {
      return to(everyone);
    },
    emit: (event, ...args) => buffer.emit(key, event, args),
    disconnect: (close = false) => buffer.disconnect(key, close),
  };
}
