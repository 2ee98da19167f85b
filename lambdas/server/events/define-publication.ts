import type * as z from "zod/mini";
import type { Emits } from "#mudbase/emits.ts";
import type { Server } from "#server/socket/socket.ts";
import type { Revocations } from "#server/store/revocations.ts";
import type { Rooms } from "#server/store/rooms.ts";
import { once, type Stores } from "./define-event.ts";

/** What a publication is given: everyone in its organisation, the stores, the time. */
export interface PublicationContext extends Stores {
  readonly server: Server<Emits>;
  readonly rooms: Pick<Rooms, "page">;
  readonly revocations: Revocations;
  /** When it was published, ISO 8601 UTC with milliseconds. */
  readonly timestamp: string;
}

/** What a direct caller is told; nothing means `{}`. */
// biome-ignore lint/suspicious/noConfusingVoidType: most publications have nothing to tell.
type Told = object | void;

/** Something that another back end may publish: its names, its form, and what it does. */
export interface Publication<Name extends string, Schema extends z.ZodMiniType> {
  readonly names: readonly Name[];
  /** Its form besides `event`; made when the first of it comes. */
  readonly entry: () => Schema;
  /** Whether it only tells something: then it is answered every time, whatever its `id`. */
  readonly isRead?: true;
  handle(
    context: PublicationContext & { readonly event: Name; readonly entry: z.output<Schema> },
  ): Promise<Told>;
}

/** Declares a publication. */
export const definePublication = <const Name extends string, Schema extends z.ZodMiniType>(
  publication: Publication<Name, Schema>,
): Publication<Name, Schema> => ({ ...publication, entry: once(publication.entry) });

/** Any publication, as the registry knows it: a list of many generics has no other type. */
// biome-ignore lint/suspicious/noExplicitAny: the one explained exception (see above).
export type AnyPublication = Publication<any, any>;
