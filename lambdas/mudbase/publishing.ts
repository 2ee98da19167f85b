import type * as z from "zod/mini";
import type { LeanApp } from "#server/app.ts";
import type { Publication, Publications } from "#server/publications.ts";
import { chatPublications } from "./chat.ts";
import { emits, type Publishing } from "./contract.ts";
import { dataPublications } from "./data.ts";
import { dbPublications } from "./db.ts";
import { documentPublications } from "./document.ts";
import { emitPublications } from "./emit.ts";
import { integrationPublications } from "./integration-publications.ts";
import { core, lifecycle } from "./lifecycle.ts";
import { limitPublications } from "./limit.ts";
import { createMatching } from "./matching.ts";
import { projectPublications } from "./project.ts";
import { restorePublications } from "./restore.ts";
import { revokePublications } from "./revoke.ts";
import { socketPublications } from "./sockets.ts";
import { createPublishStores } from "./stores.ts";
import { walletPublications } from "./wallet.ts";

const all = [
  ...projectPublications,
  ...dbPublications,
  ...dataPublications,
  ...documentPublications,
  ...walletPublications,
  ...integrationPublications,
  ...emitPublications,
  ...socketPublications,
  ...revokePublications,
  ...restorePublications,
  ...chatPublications,
  ...limitPublications,
] as const;

type EntryOf<One> =
  One extends Publication<Publishing, infer Name, infer Schema>
    ? Name extends string
      ? { readonly event: Name } & z.input<Schema>
      : never
    : never;

/** What other back ends may publish, told apart by `event`. */
export type Entry = EntryOf<(typeof all)[number]>;

export const publications: Publications = { all, tenantField: "org" };

/** The functions that publish. */
export const publishing: LeanApp = {
  ...core,
  namespaces: { "/": { ...lifecycle, emits } },
  stores: createPublishStores,
  matching: createMatching,
  publications,
} as unknown as LeanApp;
