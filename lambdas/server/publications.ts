import type * as z from "zod/mini";
import type { AppTypes, Context, UntypedApp } from "./app.ts";
import { once } from "./model/once.ts";

/** What a direct caller is answered; nothing means `{}`. */
// biome-ignore lint/suspicious/noConfusingVoidType: most publications have nothing to answer.
type Answer = object | void;

/** Something that other back ends may publish: its names, its form, and what it does. */
export interface Publication<
  T extends AppTypes,
  Name extends string,
  Schema extends z.ZodMiniType,
> {
  readonly names: readonly Name[];
  /** Its form besides `event` and `id`; made when the first of it comes. */
  readonly entry: () => Schema;
  /** Whether it only reads: then it is answered every time, whatever its `id`. */
  readonly isRead?: true;
  handle(
    context: Context<T> & { readonly event: Name; readonly entry: z.output<Schema> },
  ): Promise<Answer>;
}

/** Any publication, as a registry knows it: a list of many generics has no other type. */
// biome-ignore lint/suspicious/noExplicitAny: the one explained exception (see above).
export type AnyPublication = Publication<any, any, any>;

/** What an application lets other back ends publish. */
export interface Publications {
  readonly all: readonly AnyPublication[];
  /** The field of an entry that names its tenant, in each. Default: `tenant`, in entries for another than the one that sockets without a tenant have. */
  readonly tenantField?: string;
}

/** Declares a publication; `entry` is made once. */
export const definePublication = <
  const Name extends string,
  Schema extends z.ZodMiniType,
  T extends AppTypes = UntypedApp,
>(
  publication: Publication<T, Name, Schema>,
): Publication<T, Name, Schema> => ({ ...publication, entry: once(publication.entry) });
