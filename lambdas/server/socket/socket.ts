import type { Claim, Member, Session, SocketKey } from "#server/model/session.ts";
import {
  type Broadcast,
  createBroadcast,
  createIo,
  type Emit,
  type Io,
  type Outlet,
  type TimeoutEmitter,
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
  /** Asks the client for an acknowledgement, for as many milliseconds; 20,000 at most. */
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own default: whatever a client answers.
  timeout(milliseconds: number): TimeoutEmitter<T["Emits"], any>;
  /** The other sockets of a room. */
  to(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  in(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** All others but those of a room. */
  except(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** All other sockets of the tenant in this namespace. */
  readonly broadcast: Broadcast<T>;
  /** Joins rooms and gives those that it has not left by a later event, which was handled first. */
  join(room: T["Room"] | readonly T["Room"][]): Promise<readonly T["Room"][]>;
  /** Leaves rooms and gives those it was in. */
  leave(room: T["Room"] | readonly T["Room"][]): Promise<readonly T["Room"][]>;
  /** The rooms it is in, in whatever order. */
  rooms(): Promise<readonly T["Room"][]>;
  /** Has joins of a kind of rooms that were received before this, and are still under way, come to nothing; gives its rooms of that kind. */
  supersede(kind: string): Promise<readonly T["Room"][]>;
  /**
   * Notes something that the application is about to keep elsewhere for this socket, under a key of its
   * own and at a place, at most so many of `what`: where the socket ends, `release` is given all of them. What is
   * kept carries the stamp; `places` are those where it was, each with the stamp of a tombstone. Nothing where a later claim of the key has decided.
   */
  claim(
    key: string,
    place: string,
    max: number,
    what: string,
  ): Promise<
    | { readonly stamp: number; readonly places: readonly (Claim & { readonly stamp: number })[] }
    | undefined
  >;
  /** Ends this session; `close` cuts the connection as well. */
  disconnect(close?: boolean): void;
}

/** What a socket asks of the store. */
export type Membership = Pick<Socket, "join" | "leave" | "supersede" | "rooms" | "claim">;

/** The member behind a session. */
export const memberOf = ({ sid, nsp }: SocketKey, { tenant, userId }: Session): Member => ({
  ...{ sid, nsp, tenant, userId },
});

/** The socket behind a session. */
export function createSocket<T extends Types>(
  key: SocketKey,
  session: Session,
  outlet: Outlet,
  membership: Membership,
  everyoneIn: (nsp: string) => string,
): Socket<T> {
  const { id, tenant, userId, data } = session;
  const { connectionId, nsp } = key;
  const { buffer } = outlet;
  const everyone = everyoneIn(nsp);
  const to = (room: string | readonly string[]) =>
    createBroadcast<T>(outlet, {
      ...{ tenant, nsp, rooms: [room].flat(), except: [], sender: id },
    });
  const { join, leave, supersede, rooms, claim } = membership;
  return {
    ...{ id, connectionId, tenant, userId, data, claim },
    ...{ to, in: to, except: (room) => to(everyone).except(room) },
    join: join as Socket<T>["join"],
    leave: leave as Socket<T>["leave"],
    supersede: supersede as Socket<T>["supersede"],
    rooms: rooms as Socket<T>["rooms"],
    // Made when they are asked for: most events ask for neither.
    get nsp() {
      return Object.assign(createIo<T>(outlet, { tenant, nsp }, everyoneIn), { name: nsp });
    },
    get broadcast() {
      return to(everyone);
    },
    emit: (event, ...args) => buffer.emit(key, event, args),
    timeout: (milliseconds) => ({
      async emitWithAck(event, ...args) {
        const [answer] = await outlet.ask({ audience: key, tenant, milliseconds, event, args });
        return answer;
      },
    }),
    disconnect: (close = false) => buffer.disconnect(key, close),
  };
}
