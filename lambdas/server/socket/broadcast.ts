import type { RoomAudience } from "#server/model/audience.ts";
import type { EmitBuffer } from "./emit-buffer.ts";

/** What an application's types say of its sockets. */
export interface Types {
  /** Events that leave, each with its payload, or with a list of its arguments. */
  readonly Emits: object;
  readonly Room: string;
  readonly Data: unknown;
  /** What `matching` goes by. */
  readonly Criteria: unknown;
}

/** An application that says nothing of its events. */
export interface Untyped extends Types {
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own default: any event with any arguments.
  readonly Emits: Readonly<Record<string, any[]>>;
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own default.
  readonly Data: any;
}

/** A payload is the one argument; a list is all arguments; nothing is none. */
type ArgsOf<Payload> = Payload extends readonly unknown[]
  ? Payload
  : undefined extends Payload
    ? readonly [payload?: Payload]
    : readonly [payload: Payload];

/** Sends one event to one or several sockets. */
export type Emit<Events extends object> = <Name extends keyof Events & string>(
  event: Name,
  ...args: ArgsOf<Events[Name]>
) => void;

/** Some rooms to send to; every refinement is a new one. A socket in several of them gets one copy. */
export interface Broadcast<T extends Types = Untyped> {
  /** The same with another room, or other rooms, besides. */
  to(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** The same without the sockets of a room, or of any of several. */
  except(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** The same without the sockets of these users. */
  exceptUsers(userIds: readonly string[]): Broadcast<T>;
  /** The same without those sockets for which a room lists tags, and not this one. */
  tagged(tag: string): Broadcast<T>;
  /** The same, and a copy for each match of the application's own `matching`. */
  matching(criteria: T["Criteria"]): Broadcast<T>;
  /** The same for packets that whoever is not connected has not missed. */
  readonly volatile: Broadcast<T>;
  readonly emit: Emit<T["Emits"]>;
  /** The same for an event whose name is only known when it is sent. */
  emitAny(event: string, ...args: readonly unknown[]): void;
  /** Takes the sockets in these rooms out of a room, each before anything else is sent to it. */
  socketsLeave(room: T["Room"]): void;
  /** The sockets in these rooms, the first hundred of each. */
  fetchSockets(): Promise<readonly RemoteSocket<T["Data"]>[]>;
  /** Ends the sessions in these rooms; `close` cuts their connections as well. */
  disconnectSockets(close?: boolean): void;
}

/** A socket as the table knows it. */
// biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own default.
export interface RemoteSocket<Data = any> {
  readonly id: string;
  readonly userId: string;
  readonly data: Data;
  readonly rooms: readonly string[];
}

/** What a broadcast goes through: the buffer that packets wait in, and the way to the table. */
export interface Outlet {
  readonly buffer: EmitBuffer;
  readonly fetchSockets: (audience: RoomAudience) => Promise<readonly RemoteSocket[]>;
}

/** A broadcast from nobody or from the session `sender`, which is left out. */
export function createBroadcast<T extends Types>(
  outlet: Outlet,
  audience: RoomAudience,
): Broadcast<T> {
  const { buffer } = outlet;
  const refined = (change: Partial<RoomAudience>) =>
    createBroadcast<T>(outlet, { ...audience, ...change });
  const emitAny = (event: string, ...args: readonly unknown[]) =>
    buffer.emit(audience, event, args);
  return {
    to: (room) => refined({ rooms: audience.rooms.concat(room) }),
    except: (room) => refined({ except: audience.except.concat(room) }),
    exceptUsers: (exceptUsers) => refined({ exceptUsers }),
    tagged: (tag) => refined({ tag }),
    matching: (criteria) => refined({ criteria }),
    get volatile() {
      return refined({ isVolatile: true });
    },
    emit: emitAny,
    fetchSockets: () => outlet.fetchSockets(audience),
    emitAny,
    socketsLeave: (room) => buffer.leave(audience, room),
    disconnectSockets: (close = false) => buffer.disconnect(audience, close),
  };
}

/** The sockets of a tenant in a namespace, with Socket.IO's words. */
export interface Io<T extends Types = Untyped> {
  /** The sockets of some rooms. */
  to(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  in(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  /** Every socket of the tenant in this namespace. */
  readonly emit: Emit<T["Emits"]>;
  /** The first hundred of them. */
  fetchSockets(): Promise<readonly RemoteSocket<T["Data"]>[]>;
}

/** The sockets of a tenant in a namespace. */
export function createIo<T extends Types>(
  outlet: Outlet,
  where: { readonly tenant: string; readonly nsp: string },
  everyone: string,
): Io<T> {
  const to = (room: T["Room"] | readonly T["Room"][]) =>
    createBroadcast<T>(outlet, { ...where, rooms: [room].flat(), except: [] });
  return {
    ...{ to, in: to },
    // Made when it is asked for: most events ask for neither.
    get emit() {
      return to(everyone).emit;
    },
    fetchSockets: () => to(everyone).fetchSockets(),
  };
}
