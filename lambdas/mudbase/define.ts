import type * as z from "zod/mini";
import {
  type AccessRequest as AccessRequestOf,
  type EventDefinition,
  Instead,
  once,
} from "#server/app.ts";
import {
  definePublication as definePublicationOf,
  type Publication,
} from "#server/publications.ts";
import type { Contract, Emits } from "./contract.ts";

export type AccessRequest<Payload> = AccessRequestOf<Contract, Payload>;

type ReplyName = keyof Emits & string;

/** Declares an event of the contract. */
export const defineEvent = <
  const Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  const Reply extends ReplyName | undefined = undefined,
>(
  definition: EventDefinition<Contract, Name, Schema, Granted, Reply>,
): EventDefinition<Contract, Name, Schema, Granted, Reply> => ({
  ...definition,
  payload: once(definition.payload),
});

/** Declares a publication of the contract. */
export const definePublication = <const Name extends string, Schema extends z.ZodMiniType>(
  publication: Publication<Contract, Name, Schema>,
): Publication<Contract, Name, Schema> => definePublicationOf(publication);

/** Replies with another event, where something went as wrong as the contract foresees. */
export const instead = <Name extends ReplyName>(event: Name, payload: Emits[Name]): Instead =>
  new Instead(event, payload);
