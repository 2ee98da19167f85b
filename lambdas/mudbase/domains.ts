import { authEvents } from "./auth.ts";
import { callEvents } from "./call.ts";
import { chatEvents } from "./chat.ts";
import { customEvents } from "./custom.ts";
import { integrationEvents, refuseIntegration } from "./integration.ts";
import { messageEvents } from "./message.ts";
import { messagesEvents } from "./messages.ts";
import { presenceEvents } from "./presence.ts";
import { subscribeEvents } from "./subscribe.ts";
import { unsubscribeEvents } from "./unsubscribe.ts";
import { walletEvents } from "./wallet.ts";

/** The events that clients may send, by what their names begin with. */
export const domains = {
  subscribe: { events: subscribeEvents },
  unsubscribe: { events: unsubscribeEvents },
  integration: {
    events: integrationEvents,
    rate: "integrationEventsPerSecond",
    refusal: refuseIntegration,
  },
  wallet: { events: walletEvents },
  presence: { events: presenceEvents },
  auth: { events: authEvents },
  chat: { events: chatEvents },
  message: { events: messageEvents, rate: "messageEventsPerSecond" },
  messages: { events: messagesEvents, rate: "messageEventsPerSecond" },
  call: { events: callEvents, rate: "callEventsPerSecond" },
  custom: {
    events: customEvents,
    rate: "customEventsPerSecond",
    maxBytes: "customPayloadBytes",
  },
} as const;

/** One of the events a client may send. */
export type ClientEvent = (typeof domains)[keyof typeof domains]["events"][number];
