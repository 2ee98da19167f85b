import * as z from "zod/mini";
import type { Emits } from "#mudbase/emits.ts";
import { publications } from "#mudbase/publications.ts";
import { DEEPEST, nestsTooDeep } from "#server/model/depth.ts";
import { optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { domainOf, type Telemetry } from "#server/model/telemetry.ts";
import type { Emission, Outbox } from "#server/socket/emit-buffer.ts";
import { createServer } from "#server/socket/socket.ts";
import type { Once } from "#server/store/idempotency.ts";
import type { Revocations } from "#server/store/revocations.ts";
import type { Rooms } from "#server/store/rooms.ts";
import type { Stores } from "./define-event.ts";
import { EventError } from "./errors.ts";
import { refuseOversized } from "./oversized.ts";
import { parse } from "./parse.ts";

/** What every entry has besides what its `event` asks for. */
const AnyEntry = z.looseObject({
  event: z.string(),
  org: Id,
  /** The same id again within ten minutes does nothing. */
  id: optional(Id),
});

export interface PublishParts {
  readonly stores: Stores;
  readonly rooms: Pick<Rooms, "page">;
  readonly revocations: Revocations;
  readonly once: Once;
  readonly newOutbox: () => Outbox;
  readonly send: (emissions: readonly Emission[], ready?: Commit) => Promise<void>;
  readonly now: () => number;
  readonly count: Telemetry["count"];
}

/** What a publisher is told: that it was a repetition, or what the entry's kind has to tell. */
export type Published = { readonly repeated: true } | object;

/** Publishes an entry. Throws an `EventError` that names what is wrong with it; then nothing was sent. */
export type Publish = (entry: unknown, commit?: Commit) => Promise<Published>;

/** Called once all is stored and its audience known, before anything is sent. */
type Commit = () => Promise<void>;

/** Takes what other back ends publish. */
export function createPublish(parts: PublishParts): Publish {
  return async (given, commit) => {
    const { event = "" } = (given ?? {}) as { readonly event?: string };
    const counted = (outcome: string) =>
      parts.count("Events", 1, {
        event: publications.has(event) ? domainOf(event) : "unknown",
        outcome,
      });
    try {
      const published = await take(given, commit);
      counted("published");
      return published;
    } catch (error) {
      counted(error instanceof EventError ? error.code : "internal");
      throw error;
    }
  };

  async function take(given: unknown, commit?: Commit): Promise<Published> {
    if (nestsTooDeep(given))
      throw new EventError("invalid_payload", `entry: it nests more than ${DEEPEST} levels deep`);
    const { event, org, id } = parse(AnyEntry, given, "entry");
    const publication = publications.get(event);
    if (publication === undefined)
      throw new EventError("unknown_event", `event: there is no publication ${event}`);
    const entry = parse(publication.entry(), given, "entry");
    if (id === undefined || publication.isRead) return run(commit);
    const outcome = await parts.once.run(`published ${org}`, [id], run);
    switch (outcome.status) {
      case "done":
        return outcome.result;
      case "repeated":
        return { repeated: true };
      case "busy":
        throw new EventError("conflict", `conflict: the entry ${id} is being published`, outcome);
    }

    async function run(committed?: Commit): Promise<Published> {
      const outbox = parts.newOutbox();
      const told = await publication?.handle({
        ...parts.stores,
        ...{ rooms: parts.rooms, revocations: parts.revocations, event, entry },
        server: createServer<Emits>(org, outbox),
        timestamp: new Date(parts.now()).toISOString(),
      });
      refuseOversized(outbox);
      await parts.send(outbox.emissions, committed);
      return told ?? {};
    }
  }
}
