import { customChannels } from "./custom/index.ts";
import type { AnyEvent } from "./define-event.ts";
import { presenceEvents } from "./presence/index.ts";
import { subscriptions } from "./subscriptions/index.ts";

const all: readonly AnyEvent[] = [...subscriptions, ...presenceEvents, ...customChannels];

/** Every event a client may send, by name. */
export const events: ReadonlyMap<string, AnyEvent> = new Map(
  all.map((event) => [event.name, event]),
);
