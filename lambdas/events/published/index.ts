import type * as z from "zod/mini";
import { chatGet, chatPut } from "./chats.ts";
import { collectionChanged } from "./collections.ts";
import type { Publication } from "./define-publication.ts";
import { dataChanged, documentChanged } from "./documents.ts";
import {
  integrationGet,
  integrationList,
  integrationPut,
  integrationRemove,
} from "./integrations.ts";
import { connectionLimitPut } from "./limits.ts";
import { projectChanged } from "./projects.ts";
import { emitted } from "./rooms.ts";
import { restored, revoked } from "./sessions.ts";
import { balanceUpdated, transactionMoved } from "./wallets.ts";
import { webhookReceived } from "./webhooks.ts";

const all = [
  projectChanged,
  collectionChanged,
  documentChanged,
  dataChanged,
  balanceUpdated,
  transactionMoved,
  webhookReceived,
  emitted,
  revoked,
  restored,
  chatPut,
  chatGet,
  integrationPut,
  integrationGet,
  integrationList,
  integrationRemove,
  connectionLimitPut,
] as const;

/** What other back ends may publish, told apart by `event`. */
export type Entry = z.input<(typeof all)[number]["entry"]>;

/** Every publication by each name it goes under. */
export const publications: ReadonlyMap<string, Publication<z.ZodMiniType>> = new Map(
  all.flatMap((publication) =>
    [...publication.entry.shape.event._zod.values].map(
      (name) => [String(name), publication as unknown as Publication<z.ZodMiniType>] as const,
    ),
  ),
);
