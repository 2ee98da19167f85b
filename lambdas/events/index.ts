import { authEvents } from "./auth/index.ts";
import { callEvents } from "./calls/index.ts";
import { chatEvents } from "./chats/index.ts";
import { customChannels } from "./custom/index.ts";
import type { AnyEvent } from "./define-event.ts";
import { integrationEvents } from "./integrations/index.ts";
import { presenceEvents } from "./presence/index.ts";
import { subscriptions } from "./subscriptions/index.ts";
import { wallets } from "./wallets/index.ts";

const all = [
  ...subscriptions,
  ...integrationEvents,
  ...wallets,
  ...presenceEvents,
  ...authEvents,
  ...chatEvents,
  ...callEvents,
  ...customChannels,
] as const;

/** One of the events a client may send. */
export type ClientEvent = (typeof all)[number];

/** Every event a client may send, by name. */
export const events: ReadonlyMap<string, AnyEvent> = new Map(
  all.map((event: AnyEvent) => [event.name, event]),
);
