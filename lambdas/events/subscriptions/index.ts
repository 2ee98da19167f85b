import { customEvent } from "./custom-event.ts";
import { subscribeCollection } from "./subscribe-collection.ts";
import { subscribeDocument } from "./subscribe-document.ts";
import { subscribeProject } from "./subscribe-project.ts";
import { subscribeQuery } from "./subscribe-query.ts";
import { unsubscribeCollection } from "./unsubscribe-collection.ts";

/** Subscriptions to what other back ends publish. */
export const subscriptions = [
  subscribeProject,
  subscribeCollection,
  unsubscribeCollection,
  subscribeDocument,
  subscribeQuery,
  customEvent,
] as const;
