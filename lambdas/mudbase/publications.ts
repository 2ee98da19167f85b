import type * as z from "zod/mini";
import type { AnyPublication, Publication } from "#server/events/define-publication.ts";
import { chatPublications } from "./chat.ts";
import { dataPublications } from "./data.ts";
import { dbPublications } from "./db.ts";
import { documentPublications } from "./document.ts";
import { emitPublications } from "./emit.ts";
import { integrationPublications } from "./integration.ts";
import { limitPublications } from "./limit.ts";
import { projectPublications } from "./project.ts";
import { revokePublications } from "./revoke.ts";
import { walletPublications } from "./wallet.ts";

const all = [
  ...projectPublications,
  ...dbPublications,
  ...dataPublications,
  ...documentPublications,
  ...walletPublications,
  ...integrationPublications,
  ...emitPublications,
  ...revokePublications,
  ...chatPublications,
  ...limitPublications,
] as const;

type EntryOf<One> =
  One extends Publication<infer Name, infer Schema>
    ? Name extends string
      ? { readonly event: Name } & z.input<Schema>
      : never
    : never;

/** What other back ends may publish, told apart by `event`. */
export type Entry = EntryOf<(typeof all)[number]>;

/** Every publication by each name it goes under. */
export const publications: ReadonlyMap<string, AnyPublication> = new Map(
  all.flatMap((publication: AnyPublication) =>
    publication.names.map((name) => [name, publication]),
  ),
);
