import * as z from "zod/mini";
import type { AppTypes } from "#server/app.ts";
import { authEmits } from "./auth.ts";
import { callEmits } from "./call.ts";
import { chatEmits } from "./chat.ts";
import { customEmits } from "./custom.ts";
import { dataEmits } from "./data.ts";
import { dbEmits } from "./db.ts";
import { documentEmits } from "./document.ts";
import { integrationEmits } from "./integration.ts";
import { messageEmits } from "./message.ts";
import { messagesEmits } from "./messages.ts";
import type { TokenData } from "./model/identity.ts";
import type { Watched } from "./model/query.ts";
import { presenceEmits } from "./presence.ts";
import { projectEmits } from "./project.ts";
import { revokeEmits } from "./revoke.ts";
import type { Room } from "./rooms.ts";
import type { PublishStores, Stores } from "./stores.ts";
import { subscribeEmits } from "./subscribe.ts";
import { unsubscribeEmits } from "./unsubscribe.ts";
import { walletEmits } from "./wallet.ts";

/** Every event this server sends, with what it may carry: anything else is left out. */
export const emits = {
  /** The organisation has as many connections as it may. */
  error: z.object({ message: z.string(), limit: z.number() }),
  exception: z.object({
    code: z.string(),
    message: z.string(),
    event: z.string(),
    retryAfterMs: z.optional(z.number()),
  }),
  ...subscribeEmits,
  ...unsubscribeEmits,
  ...integrationEmits,
  ...walletEmits,
  ...authEmits,
  ...projectEmits,
  ...dbEmits,
  ...dataEmits,
  ...documentEmits,
  ...revokeEmits,
  ...chatEmits,
  ...messageEmits,
  ...messagesEmits,
  ...callEmits,
  ...presenceEmits,
  ...customEmits,
};

type Fixed = {
  readonly [Name in keyof typeof emits]: Frozen<z.input<(typeof emits)[Name]>>;
};

/** Lists that nobody changes may be sent as well. */
type Frozen<Value> = Value extends readonly (infer Entry)[]
  ? readonly Frozen<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

/** The events this server sends, with their payloads; `custom:*` are those that clients name themselves. */
export type Emits = Fixed & { readonly [name: `custom:${string}`]: object };

/** What the contract says of its sockets. */
export interface Contract extends AppTypes {
  readonly Emits: Emits;
  readonly Room: Room;
  readonly Data: TokenData;
  readonly Criteria: Watched;
  readonly Stores: Stores;
}

/** The contract as publications know it. */
export type Publishing = Omit<Contract, "Stores"> & { readonly Stores: PublishStores };
