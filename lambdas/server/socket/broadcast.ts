import type { RoomAudience } from "#server/model/audience.ts";
import type { Audience, EmitBuffer } from "./emit-buffer.ts";

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

/** Asks sockets for acknowledgements, and waits for them. */
export interface TimeoutEmitter<Events extends object, Answer> {
  /**
   * Sends an event at once, with what was emitted before it, and gives the first argument of each acknowledgement.
   * Throws a `TimeoutError` where some have sent none in time. What is sent so is not replayed.
   */
  emitWithAck<Name extends keyof Events & string>(
    event: Name,
    ...args: ArgsOf<Events[Name]>
  ): Promise<Answer>;
}

/** A part of the sockets of some rooms, in the order of their ids. */
export interface Page {
  /** Begins after the socket of this id: `next` of the page before. */
  readonly after?: string | undefined;
  /** Sockets of a page; at most 1000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Sockets of some rooms; `next` is there where there are more. */
export type Sockets<Data> = readonly RemoteSocket<Data>[] & { readonly next?: string | undefined };

/** Some rooms to send to; every refinement is a new one. A socket in several of them gets one copy. */
export interface Broadcast<T extends Types = Untyped> {
  /** The same with another room, or other rooms, besides. */
  to(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
  in(room: T["Room"] | readonly T["Room"][]): Broadcast<T>;
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
  /** Asks at most a thousand sockets, for as many milliseconds (20,000 at most) after they have been sent to. */
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own default: whatever clients answer.
  timeout(milliseconds: number): TimeoutEmitter<T["Emits"], readonly any[]>;
  /** Puts the sockets in these rooms into others, those that may be in no more rooms excepted; at once. */
  socketsJoin(room: T["Room"] | readonly T["Room"][]): Promise<void>;
  /** Takes the sockets in these rooms out of a room, each before anything else is sent to it. */
  socketsLeave(room: T["Room"]): void;
  /** The sockets in these rooms, a page at a time. */
  fetchSockets(page?: Page): Promise<Sockets<T["Data"]>>;
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

/** An event that is to be acknowledged within so many milliseconds. */
export interface AckRequest {
  readonly audience: Audience;
  readonly tenant: string;
  readonly milliseconds: number;
  readonly event: string;
  readonly args: readonly unknown[];
}

/** What a broadcast goes through: the buffer that packets wait in, and the way to the table. */
export interface Outlet {
  readonly buffer: EmitBuffer;
  /** Gives what each socket has answered; throws a `TimeoutError` where some have not. */
  readonly ask: (question: AckRequest) => Promise<readonly unknown[]>;
  readonly fetchSockets: (audience: RoomAudience, page?: Page) => Promise<Sockets<unknown>>;
  readonly socketsJoin: (audience: RoomAudience, rooms: readonly string[]) => Promise<void>;
  readonly socketsLeave: (audience: RoomAudience, room: string) => void;
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
  const to = (room: T["Room"] | readonly T["Room"][]) =>
    refined({ rooms: audience.rooms.concat(room) });
  return {
    ...{ to, in: to },
    except: (room) => refined({ except: audience.except.concat(room) }),
    exceptUsers: (exceptUsers) => refined({ exceptUsers }),
    tagged: (tag) => refined({ tag }),
    matching: (criteria) => refined({ criteria }),
    get volatile() {
      return refined({ isVolatile: true });
    },
    emit: emitAny,
    emitAny,
    timeout: (milliseconds) => ({
      emitWithAck: (event, ...args) =>
        outlet.ask({ audience, tenant: audience.tenant, milliseconds, event, args }),
    }),
    fetchSockets: (page) => outlet.fetchSockets(audience, page),
    socketsJoin: (room) => outlet.socketsJoin(audience, [room].flat()),
    socketsLeave: (room) => outlet.socketsLeave(audience, room),
    disconnectSockets: (close = false) => buffer.disconnect(audience, close),
  };
}

/** The sockets of a tenant in a namespace, with Socket.IO's words: all of them, or those `to` some rooms. */
export interface Io<T extends Types = Untyped> extends Broadcast<T> {
  /** The sockets of another namespace, of the same tenant or of another one. */
  of(nsp: string, tenant?: string): Broadcast;
}

/** A namespace of a tenant. */
interface Where {
  readonly tenant: string;
  readonly nsp: string;
}

/** The sockets of a tenant in a namespace, and the way to others; `everyoneIn` names the room of all in one. */
export function createIo<T extends Types>(
  outlet: Outlet,
  where: Where,
  everyoneIn: (nsp: string) => string,
): Io<T> {
  return Object.assign(createNamespace<T>(outlet, where, everyoneIn(where.nsp)), {
    of: (nsp: string, tenant = where.tenant) =>
      createNamespace(outlet, { tenant, nsp }, everyoneIn(nsp)),
  });
}

/** The sockets of a tenant in one namespace. */
function createNamespace<T extends Types>(
  outlet: Outlet,
  where: Where,
  everyone: string,
): Broadcast<T> {
  const to = (room: T["Room"] | readonly T["Room"][]) =>
    createBroadcast<T>(outlet, { ...where, rooms: [room].flat(), except: [] });
  return Object.assign(to(everyone), { to, in: to });
}
