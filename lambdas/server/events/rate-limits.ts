import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { Identity } from "#mudbase/model/identity.ts";
import type { Bucket, Limited } from "#server/model/rate.ts";
import { EventError } from "./errors.ts";

/** What the names of events begin with, and the limit; the first that fits counts. */
const LIMITED = [
  ["message:send", "messageSendsPerSecond"],
  ["message", "messageEventsPerSecond"],
  ["custom:", "customEventsPerSecond"],
  ["call:", "callEventsPerSecond"],
  ["integration:", "integrationEventsPerSecond"],
] as const satisfies readonly (readonly [string, keyof Limits])[];

/** The tokens of which an event of a user takes one; what has no limit of its own shares one, CONNECT included. */
export function bucketOf(event: string, { org, userId }: Identity, limits: Limits): Bucket {
  const [, kind] = LIMITED.find(([prefix]) => event.startsWith(prefix)) ?? ["", "eventsPerSecond"];
  return { kind, owner: [org, userId], perSecond: limits[kind] };
}

/** Stops a call for which there is no token, and cuts a client that keeps on. */
export function requireToken(limited: Limited | undefined, event: string): void {
  if (limited === undefined) return;
  throw new EventError("rate_limited", `${event} comes too often`, {
    retryAfterMs: limited.retryAfterMs,
    cuts: limited.isFlood,
  });
}
