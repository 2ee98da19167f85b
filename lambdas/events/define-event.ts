import type * as z from "zod/mini";
import type { Identity } from "#model/identity.ts";
import type { Server, Socket } from "#socket/socket.ts";
import type { Connections } from "#store/connections.ts";
import type { Presence } from "#store/presence.ts";
import type { Queries } from "#store/queries.ts";
import type { Emits } from "./emits.ts";

/** The stores an event may use. */
export interface Stores {
  readonly connections: Pick<Connections, "get">;
  readonly presence: Presence;
  readonly queries: Queries;
}

/** What every handler is given: the caller, everyone else in its organisation, the stores, the time. */
export interface EventContext extends Stores {
  readonly socket: Socket<Emits>;
  readonly server: Server<Emits>;
  /** When the event was received, ISO 8601 UTC with milliseconds. */
  readonly timestamp: string;
}

/** What a permission is decided on. */
export interface AccessRequest<Payload> {
  readonly payload: Payload;
  readonly identity: Identity;
}

/** Gives what the permission brings along, or throws an `EventError`. */
export type Access<Payload, Granted extends object> = (
  request: AccessRequest<Payload>,
) => Granted | Promise<Granted>;

type ReplyName = keyof Emits & string;
type Replied<Reply> = Reply extends ReplyName ? Emits[Reply] | undefined : object | undefined;

/** One event of the contract: what it carries, who may send it, what is answered, what it does. */
export interface EventDefinition<
  Schema extends z.ZodMiniType,
  Granted extends object,
  Reply extends ReplyName | undefined,
> {
  readonly name: string;
  readonly payload: Schema;
  readonly access: Access<z.output<Schema>, Granted>;
  /** The event that carries the reply; the acknowledgement carries the same. */
  readonly reply?: Reply;
  /** Gives the reply. Nothing means no reply event, and `{ ok: true }` to an acknowledgement. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a reply returns nothing.
  handle(context: HandlerContext<Schema, Granted>): Promise<Replied<Reply> | void>;
}

type HandlerContext<Schema extends z.ZodMiniType, Granted> = EventContext &
  Granted & { readonly payload: z.output<Schema> };

/** Any event, as the registry knows it: a list of many generics has no other type. */
// biome-ignore lint/suspicious/noExplicitAny: the one explained exception (see above).
export type AnyEvent = EventDefinition<any, any, any>;

/** Declares an event; the file is named after it. */
export const defineEvent = <
  Schema extends z.ZodMiniType,
  Granted extends object,
  const Reply extends ReplyName | undefined = undefined,
>(
  definition: EventDefinition<Schema, Granted, Reply>,
): EventDefinition<Schema, Granted, Reply> => definition;
