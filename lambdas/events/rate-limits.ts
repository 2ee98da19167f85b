import type { Identity } from "#model/identity.ts";
import type { Limits } from "#model/limits.ts";
import type { Bucket, Limited } from "#model/rate.ts";
import { EventError } from "./errors.ts";

/** What the names of limited events begin with, and the limit; the first that fits counts. */
const LIMITED = [
  ["message:send", "messageSendsPerSecond"],
  ["message:", "messageEventsPerSecond"],
  ["custom:", "customEventsPerSecond"],
  ["call:", "callEventsPerSecond"],
  ["integration:", "integrationEventsPerSecond"],
] as const satisfies readonly (readonly [string, keyof Limits])[];

/** The tokens of which an event of a user takes one, if it is limited. */
export function bucketOf(
  event: string,
  { org, userId }: Identity,
  limits: Limits,
): Bucket | undefined {
  const [kind, limit] = LIMITED.find(([prefix]) => event.startsWith(prefix)) ?? [];
  if (limit === undefined) return undefined;
  return { kind, owner: [org, userId], perSecond: limits[limit] };
}

/** Stops a call for which there is no token, and cuts a client that keeps on. */
export function requireToken(limited: Limited | undefined, event: string): void {
  if (limited === undefined) return;
  throw new EventError("rate_limited", `${event} comes too often`, {
    retryAfterMs: limited.retryAfterMs,
    cuts: limited.isFlood,
  });
}
