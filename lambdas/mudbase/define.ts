import type * as z from "zod/mini";
import {
  type AccessRequest as AccessRequestOf,
  defineEvent as defineEventOf,
  type EventDefinition,
  Instead,
  type Replied,
} from "#server/app.ts";
import {
  definePublication as definePublicationOf,
  type Publication,
} from "#server/publications.ts";
import type { Contract, Emits, Publishing } from "./contract.ts";
import type { Room } from "./rooms.ts";

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
): EventDefinition<Contract, Name, Schema, Granted, Reply> => defineEventOf(definition);

/** An event that puts its socket into rooms, or takes it out of them, and says so. */
export const defineMembership = <
  const Name extends string,
  Schema extends z.ZodMiniType,
  Granted extends object,
  const Reply extends ReplyName | undefined = undefined,
>({
  does,
  rooms,
  answer,
  ...event
}: Omit<EventDefinition<Contract, Name, Schema, Granted, Reply>, "handle"> & {
  readonly does: "join" | "leave";
  rooms(request: Granted & { readonly payload: z.output<Schema> }): Room | readonly Room[];
  answer(request: Granted & { readonly payload: z.output<Schema> }): Replied<Contract, Reply>;
}): EventDefinition<Contract, Name, Schema, Granted, Reply> =>
  defineEvent({
    ...event,
    async handle(context) {
      await context.socket[does](rooms(context));
      return answer(context);
    },
  });

/** Declares a publication of the contract. */
export const definePublication = <const Name extends string, Schema extends z.ZodMiniType>(
  publication: Publication<Publishing, Name, Schema>,
): Publication<Publishing, Name, Schema> => definePublicationOf(publication);

/** Replies with another event, where something went as wrong as the contract foresees. */
export const instead = <Name extends ReplyName>(event: Name, payload: Emits[Name]): Instead =>
  new Instead(event, payload);
