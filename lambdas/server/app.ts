import type * as z from "zod/mini";
import type { Authenticated, Handshake, Middleware, Upgrade } from "./authentication.ts";
import type { EventError } from "./errors.ts";
import type { Matching, Recall } from "./model/matching.ts";
import { once } from "./model/once.ts";
import type { Address, Claim, DisconnectReason } from "./model/session.ts";
import type { Publications } from "./publications.ts";
import type { AppRuntime } from "./runtime.ts";
import type { Io, Types, Untyped } from "./socket/broadcast.ts";
import type { Socket } from "./socket/socket.ts";
import type { AppAdapter } from "./store/app-adapter.ts";

export type { Authenticated, Handshake, Middleware, Upgrade } from "./authentication.ts";
export { everybody } from "./authentication.ts";
export { ConnectError, EventError, TimeoutError } from "./errors.ts";

/** What an application's types say of it; `Stores` is what its handlers are given besides. */
export interface AppTypes extends Types {
  readonly Stores: object;
}

/** An application that declares no types. */
export interface UntypedApp extends Untyped {
  readonly Stores: object;
}

/** As in `socket.on(event, (...args, acknowledge) => …)`, with the socket first. */
export type Listener<T extends AppTypes = UntypedApp> = (
  socket: Socket<T>,
  // biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own arguments: whatever a client sends.
  ...args: any[]
) => unknown;

/** What every handler and hook is given. */
export type Context<T extends AppTypes> = T["Stores"] & {
  /** Everyone of the caller's tenant in this namespace. */
  readonly io: Io<T>;
  /** ISO 8601 UTC with milliseconds: when the event was received. */
  readonly timestamp: string;
  /** Epoch milliseconds at which API Gateway received the event: of two about one thing the later one wins. */
  readonly receivedAt: number;
  /** A new id; ids sort by time. */
  readonly newId: () => string;
  /**
   * Sends at once what has been emitted so far: for work that others should receive before it is done.
   * Where the event fails after that, `otherwise` emits and gives the reply, by the reason.
   */
  readonly flush: (otherwise?: Otherwise) => Promise<void>;
};

/** What an event's permission is decided on. */
export type AccessRequest<T extends AppTypes, Payload> = T["Stores"] & {
  readonly payload: Payload;
  readonly socket: Socket<T>;
};

/** Gives what the permission brings along, or throws an `EventError`. */
export type Access<T extends AppTypes, Payload, Granted extends object> = (
  request: AccessRequest<T, Payload>,
) => Granted | Promise<Granted>;

/** Emits what a failure after a flush makes necessary, and gives the reply. */
export type Otherwise = (error: string) => Instead;

/** A reply under another name than the event's own. */
export class Instead {
  readonly event: string;
  readonly payload: object;

  constructor(event: string, payload: object) {
    this.event = event;
    this.payload = payload;
  }
}

/** An acknowledgement of several values. */
export class Acknowledgement {
  readonly values: readonly unknown[];

  constructor(...values: readonly unknown[]) {
    this.values = values;
  }
}

/** Work of a handler that is done before anything of what it emits leaves. */
export type BeforeSend = () => Promise<unknown>;

/** An event that clients may send: what it carries, who may send it, what it does, what is answered. */
export interface EventDefinition<
  T extends AppTypes,
  Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  Reply extends (keyof T["Emits"] & string) | undefined,
> {
  readonly name: Name;
  /** Of the first argument, or of all where it is a tuple. Made when the first of the event comes. */
  readonly payload: () => Schema;
  readonly access: Access<T, z.output<Schema>, Granted>;
  /** The event that carries the reply; the acknowledgement carries the same. */
  readonly reply?: Reply;
  /** The limit that its rate is; default: its domain's. */
  readonly rate?: string;
  /** Gives the acknowledgement and the reply. Nothing means no reply, and `{ ok: true }` to an acknowledgement. */
  handle(
    context: Context<T> &
      Granted & {
        readonly payload: z.output<Schema>;
        readonly socket: Socket<T>;
        /**
         * Has this work done after the handler, while the recipients of what it has not flushed are found, and before
         * any of that leaves, the reply included; or where they cannot be found. Where it throws, nothing leaves, and the event
         * fails as if the handler had thrown that.
         */
        readonly beforeSend: (work: BeforeSend) => void;
      },
    // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a reply returns nothing.
  ): Promise<Replied<T, Reply> | void>;
}

/** What a handler gives for a reply of this name. */
export type Replied<T extends AppTypes, Reply> = Reply extends keyof T["Emits"]
  ? T["Emits"][Reply] | Instead | undefined
  : object | undefined;

/** Any event, as a registry knows it: a list of many generics has no other type. */
// biome-ignore lint/suspicious/noExplicitAny: the one explained exception (see above).
export type AnyEvent = EventDefinition<any, string, any, any, any>;

/** Declares an event; `payload` is made once. */
export const defineEvent = <
  const Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  T extends AppTypes = UntypedApp,
  const Reply extends (keyof T["Emits"] & string) | undefined = undefined,
>(
  definition: EventDefinition<T, Name, Schema, Granted, Reply>,
): EventDefinition<T, Name, Schema, Granted, Reply> => ({
  ...definition,
  payload: once(definition.payload),
});

/** Events whose names begin with the domain's and a colon, and what they have in common. */
export interface Domain {
  readonly events: readonly AnyEvent[];
  /** The limit that the rate of its events is; default: `eventsPerSecond`. */
  readonly rate?: string;
  /** The limit that the bytes of its arguments have. */
  readonly maxBytes?: string;
  /** The event by which a caller who asked for no acknowledgement is refused; default: `exception`. */
  readonly refusal?: (
    refusal: Pick<EventError, "code" | "message" | "retryAfterMs">,
    args: readonly unknown[],
  ) => readonly [event: string, payload: object];
}

/** A socket that is no more, or is about to be. */
export interface Departed<T extends AppTypes> extends Address {
  readonly id: string;
  readonly tenant: string;
  readonly userId: string;
  readonly data: T["Data"];
}

/** Called with rooms of a socket. */
type Hook<T extends AppTypes> = (
  socket: Departed<T>,
  rooms: readonly T["Room"][],
  context: Context<T>,
) => Promise<void>;

/** What happens to sockets besides their events: all that functions without clients of their own need of a namespace. */
export interface Lifecycle<T extends AppTypes = UntypedApp> {
  /** What leaves, by event, with what it may carry: of those named here anything else is left out. */
  readonly emits?: Readonly<Record<string, z.ZodMiniType>>;
  /** The room that every socket is in from the start. Default: `everyone`. */
  readonly everyone?: T["Room"];
  /** Rooms of a kind (what their names begin with, up to the first `#`) that one socket may be in: the names of limits. */
  readonly roomsOfKind?: Readonly<Record<string, string>>;
  /**
   * Called when a socket is no more, with the rooms that it was in or may have been in. Once, and not at
   * all where a function dies at the wrong moment; or, with `repeatsOnDisconnect`, again and again until
   * the sweep has taken the last of the socket away.
   */
  readonly onDisconnect?: (
    socket: Departed<T>,
    rooms: readonly T["Room"][],
    context: Context<T>,
    reason: DisconnectReason,
  ) => Promise<void>;
  /**
   * Called where a socket has lost its connection, and has not come back for as many seconds as the limit
   * `awayAfter` names; within a minute more; with its rooms. It may still come back: then `onBack` is called, perhaps at
   * the same time, and again with the next return where that has failed.
   */
  readonly onAway?: Hook<T>;
  readonly awayAfter?: string;
  readonly onBack?: Hook<T>;
  readonly repeatsOnDisconnect?: boolean;
  /**
   * Deletes what the application kept elsewhere for claims, and for rooms, that a socket gave up some time ago, unless
   * its stamp is above `upTo`; or, without that, all that a socket claimed which is no more. May come twice.
   */
  readonly release?: (
    socket: Departed<T>,
    released: { readonly rooms: readonly T["Room"][]; readonly claims: readonly Claim[] },
    stores: T["Stores"],
    upTo?: number,
  ) => Promise<void>;
  /** Keeps from DynamoDB's own deletion what the application has for a socket that has come back and may stay for hours more. */
  readonly refresh?: (
    socket: Departed<T>,
    kept: { readonly rooms: readonly T["Room"][]; readonly claims: readonly Claim[] },
    stores: T["Stores"],
  ) => Promise<void>;
  /** Emits to a socket whose session has expired, before it is disconnected. */
  readonly onExpire?: (socket: Pick<Socket<T>, "emit">, timestamp: string) => void;
}

/** A namespace of an application. */
export interface Namespace<T extends AppTypes = UntypedApp> extends Lifecycle<T> {
  /** Says who is behind a socket; throws a `ConnectError` to refuse it. `everybody` lets all in. */
  readonly authenticate: (
    handshake: Handshake,
    stores: T["Stores"],
  ) => Authenticated<T> | Promise<Authenticated<T>>;
  /** Middleware, in its order. */
  readonly use?: readonly Middleware<T>[];
  /** Handlers without schemas, as Socket.IO has them. */
  readonly on?: Readonly<Record<string, Listener<T>>>;
  /** Events by domain. */
  readonly domains?: Readonly<Record<string, Domain>>;
  /** Events of no domain. */
  readonly events?: readonly AnyEvent[];
  /** Takes the events that are declared nowhere; without it they are refused. */
  readonly fallback?: (socket: Socket<T>, event: string, ...args: unknown[]) => unknown;
  /** Whether each socket has a room of its own, named by its id. Default: true. */
  readonly ownRoom?: boolean;
  /** Whether handlers leave `socket.data` alone, so that functions may remember sessions. */
  readonly immutableData?: boolean;
  /** Called when a session has begun, or has come back; what it emits comes after the answer to CONNECT. */
  readonly onConnect?: (
    socket: Socket<T> & {
      readonly handshake: Pick<Handshake, "auth">;
      /** Whether it has come back, and has what it had. */
      readonly recovered: boolean;
    },
    context: Context<T>,
  ) => unknown;
  /** Emits to a socket that found no slot, before it is disconnected. */
  readonly onFull?: (socket: Pick<Socket<T>, "emit">, limit: number) => void;
}

/** What functions without clients of their own need of an application. */
export interface LeanApp<T extends AppTypes = UntypedApp> {
  readonly namespaces: Readonly<Record<string, Lifecycle<T>>>;
  /** Reads the limits of a deployment. Default: those of any application. */
  readonly limits?: { parse(given: object): Readonly<Record<string, number>> };
  /** What handlers and hooks are given besides; made once in a function. */
  readonly stores?: (runtime: AppRuntime, adapter: AppAdapter) => T["Stores"];
  /** What other back ends may publish. */
  readonly publications?: Publications;
  /** Finds sockets for `broadcast.matching`; only functions that publish or fan out have it. */
  readonly matching?: (stores: T["Stores"], runtime: AppRuntime) => Matching<T["Criteria"]>;
}

/** All that an application declares. */
export interface App<T extends AppTypes = UntypedApp> extends LeanApp<T> {
  readonly namespaces: Readonly<Record<string, Namespace<T>>>;
  /** Finds again, for a socket that comes back, what its claims would have found for it; nothing where there are none. */
  readonly recall?: (
    socket: Departed<T>,
    claims: readonly (Claim & { readonly stamp: number })[],
    stores: T["Stores"],
  ) => Promise<Recall | undefined>;
  /** Gives what is kept of an upgrade until CONNECT; see `Handshake`. */
  readonly keepOfUpgrade?: (upgrade: Upgrade, stores: T["Stores"]) => unknown;
}

/** An application, whatever its types: what functions take. */
// biome-ignore lint/suspicious/noExplicitAny: applications of different types are one to the server.
export type AnyApp = App<any>;
/** The same, as functions without clients of their own take it. */
// biome-ignore lint/suspicious/noExplicitAny: applications of different types are one to the server.
export type AnyLeanApp = LeanApp<any>;

/** Declares a namespace. */
export const defineNamespace = <T extends AppTypes = UntypedApp>(
  namespace: Namespace<T>,
): Namespace<T> => namespace;

/** Declares an application, whose namespaces may each have types of their own. */
export function defineApp<T extends AppTypes = UntypedApp>(app: App<T>): App<T>;
export function defineApp(app: AnyApp): AnyApp;
export function defineApp(app: AnyApp): AnyApp {
  return app;
}
