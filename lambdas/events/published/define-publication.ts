import type * as z from "zod/mini";
import type { Server } from "#socket/socket.ts";
import type { Revocations } from "#store/revocations.ts";
import type { Rooms } from "#store/rooms.ts";
import type { Stores } from "../define-event.ts";
import type { Emits } from "../emits.ts";

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

/** Something that another back end may publish: its form, and what it does. */
export interface Publication<Schema extends z.ZodMiniType> {
  /** Its form; `event` says under which names it goes. */
  readonly entry: Schema;
  /** Whether it only tells something: then it is answered every time, whatever its `id`. */
  readonly isRead?: true;
  handle(context: PublicationContext & { readonly entry: z.output<Schema> }): Promise<Told>;
}

/** Declares a publication. */
export const definePublication = <Schema extends z.ZodMiniType>(
  publication: Publication<Schema>,
): Publication<Schema> => publication;
