import type { AnyEvent } from "#server/events/define-event.ts";
import { authEvents } from "./auth.ts";
import { callEvents } from "./call.ts";
import { chatEvents } from "./chat.ts";
import { customEvents } from "./custom.ts";
import { integrationEvents } from "./integration.ts";
import { messageEvents } from "./message.ts";
import { messagesEvents } from "./messages.ts";
import { presenceEvents } from "./presence.ts";
import { subscribeEvents } from "./subscribe.ts";
import { unsubscribeEvents } from "./unsubscribe.ts";
import { walletEvents } from "./wallet.ts";

const allEvents = [
  ...subscribeEvents,
  ...unsubscribeEvents,
  ...integrationEvents,
  ...walletEvents,
  ...presenceEvents,
  ...authEvents,
  ...chatEvents,
  ...messageEvents,
  ...messagesEvents,
  ...callEvents,
  ...customEvents,
] as const;

/** One of the events a client may send. */
export type ClientEvent = (typeof allEvents)[number];

/** Every event a client may send, by name. */
export const events: ReadonlyMap<string, AnyEvent> = new Map(
  allEvents.map((event: AnyEvent) => [event.name, event]),
);
