import { domains } from "../../lambdas/mudbase/domains.ts";
import { publications as declared } from "../../lambdas/mudbase/publishing.ts";
import type { AnyEvent } from "../../lambdas/server/app.ts";
import type { AnyPublication } from "../../lambdas/server/publications.ts";

/** Every event a client may send, by name. */
export const events: ReadonlyMap<string, AnyEvent> = new Map(
  Object.values(domains).flatMap((domain) =>
    (domain.events as readonly AnyEvent[]).map((event) => [event.name, event] as const),
  ),
);

/** Every publication, by each of its names. */
export const publications: ReadonlyMap<string, AnyPublication> = new Map(
  declared.all.flatMap((one) => one.names.map((name: string) => [name, one] as const)),
);
