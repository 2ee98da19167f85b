import type * as z from "zod/mini";
import type { Emits } from "#mudbase/emits.ts";
import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { Identity } from "#mudbase/model/identity.ts";
import type { Calls } from "#mudbase/store/calls.ts";
import type { Chats } from "#mudbase/store/chats.ts";
import type { Integrations } from "#mudbase/store/integrations.ts";
import type { Messages } from "#mudbase/store/messages.ts";
import type { Presence } from "#mudbase/store/presence.ts";
import type { Queries } from "#mudbase/store/queries.ts";
import type { CallUpstream } from "#mudbase/upstream.ts";
import type { Server, Socket } from "#server/socket/socket.ts";
import type { Connections } from "#server/store/connections.ts";

/** The stores an event may use. */
export interface Stores {
  readonly connections: Pick<Connections, "get">;
  readonly presence: Presence;
  readonly queries: Queries;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly calls: Calls;
  readonly integrations: Integrations;
}

/** What every handler is given: the caller, everyone else in its organisation, the stores, time and ids. */
export interface EventContext extends Stores {
  readonly socket: Socket<Emits>;
  readonly server: Server<Emits>;
  readonly limits: Limits;
  /** When the event was received, ISO 8601 UTC with milliseconds. */
  readonly timestamp: string;
  /** A new id; ids sort by time. */
  readonly newId: () => string;
  /** Calls an endpoint of an integration. */
  readonly callUpstream: CallUpstream;
  /**
   * Sends at once what has been emitted so far: for work that others should hear of before it is done.
   * Where the event fails after that, `otherwise` tells them so, and gives the reply, by the reason.
   */
  readonly flush: (otherwise?: Otherwise) => Promise<void>;
}

/** What a permission is decided on. */
export interface AccessRequest<Payload> extends Stores {
  readonly payload: Payload;
  readonly identity: Identity;
  readonly connectionId: string;
}

/** Gives what the permission brings along, or throws an `EventError`. */
export type Access<Payload, Granted extends object> = (
  request: AccessRequest<Payload>,
) => Granted | Promise<Granted>;

type ReplyName = keyof Emits & string;
type Replied<Reply> = Reply extends ReplyName
  ? Emits[Reply] | Instead | undefined
  : object | undefined;

/** A reply under another name than the event's usual one. */
export class Instead {
  readonly event: ReplyName;
  readonly payload: object;

  constructor(event: ReplyName, payload: object) {
    this.event = event;
    this.payload = payload;
  }
}

/** Tells of a failure whoever has been told of the beginning, and gives the reply. */
export type Otherwise = (error: string) => Instead;

/** Replies with another event, where something went as wrong as the contract foresees. */
export const instead = <Name extends ReplyName>(event: Name, payload: Emits[Name]): Instead =>
  new Instead(event, payload);

/** One event of the contract: what it carries, who may send it, what is answered, what it does. */
export interface EventDefinition<
  Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  Reply extends ReplyName | undefined,
> {
  readonly name: Name;
  /** Made when the first of it comes. */
  readonly payload: () => Schema;
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
export type AnyEvent = EventDefinition<string, any, any, any>;

/** Declares an event; the file is named after it. */
export const defineEvent = <
  const Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  const Reply extends ReplyName | undefined = undefined,
>(
  definition: EventDefinition<Name, Schema, Granted, Reply>,
): EventDefinition<Name, Schema, Granted, Reply> => ({
  ...definition,
  payload: once(definition.payload),
});

/** A function that makes something when it is first called, and gives the same from then on. */
export function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
