import * as z from "zod/mini";
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
import { presenceEmits } from "./presence.ts";
import { projectEmits } from "./project.ts";
import { revokeEmits } from "./revoke.ts";
import { subscribeEmits } from "./subscribe.ts";
import { unsubscribeEmits } from "./unsubscribe.ts";
import { walletEmits } from "./wallet.ts";

/** Every event this server sends, with what it may carry: anything else is left out. */
export const emitSchemas = {
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
  readonly [Name in keyof typeof emitSchemas]: Frozen<z.input<(typeof emitSchemas)[Name]>>;
};

/** Lists that nobody changes may be sent as well. */
type Frozen<Value> = Value extends readonly (infer Entry)[]
  ? readonly Frozen<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

/** The events this server sends, with their payloads; `custom:*` are those that clients name themselves. */
export type Emits = Fixed & { readonly [name: `custom:${string}`]: object };

/** What an event lets out of a payload: its schema's fields, or all of it where a client named the event. */
export const shape = (event: string, payload: unknown): unknown =>
  isFixed(event) ? emitSchemas[event].parse(payload) : payload;

/** Whether an event has its own place in the contract, so that no client may send under its name. */
export const isFixed = (event: string): event is keyof Fixed => Object.hasOwn(emitSchemas, event);
