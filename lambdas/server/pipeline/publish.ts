import * as z from "zod/mini";
import { EventError } from "#server/errors.ts";
import { MAX_DEPTH, nestsTooDeep } from "#server/model/depth.ts";
import { optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { MAIN } from "#server/model/session.ts";
import { domainOf } from "#server/model/telemetry.ts";
import { parse } from "#server/parse.ts";
import type { AnyPublication } from "#server/publications.ts";
import type { Idempotency } from "#server/store/idempotency.ts";
import { createContext } from "./context.ts";
import { createOutlet } from "./outlet.ts";
import { refuseOversized } from "./oversized.ts";
import type { Parts } from "./parts.ts";
import { createReport } from "./report.ts";
import type { Sender } from "./sender.ts";

/** What every entry has besides what its `event` asks for. */
const AnyEntry = z.looseObject({
  event: z.string(),
  /** The same id again within ten minutes does nothing. */
  id: optional(Id),
});

/** What a publisher is answered: that it was a repetition, or what the entry's kind has to say. */
export type Published = { readonly repeated: true } | object;

/** Publishes an entry. Throws an `EventError` that names what is wrong with it; then nothing was sent. */
export type Publish = (entry: unknown, commit?: Commit) => Promise<Published>;

/** Called once all is stored and its audience known, before anything is sent. */
type Commit = () => Promise<void>;

/** Takes what other back ends publish. */
export function createPublish(parts: Parts, sender: Sender, idempotency: Idempotency): Publish {
  const { app, runtime } = parts;
  const report = createReport(parts, sender);
  const { all, tenantField } = app.publications ?? { all: [] };
  const named = new Map<string, AnyPublication>(
    all.flatMap((one) => one.names.map((name: string) => [name, one] as const)),
  );

  return async (given, commit) => {
    const { event = "" } = (given ?? {}) as { readonly event?: string };
    const known = named.has(event) ? domainOf(event) : "unknown";
    const count = (outcome: string) =>
      runtime.telemetry.count("Events", 1, { event: known, outcome });
    try {
      const published = await take(given, commit);
      count("published");
      return published;
    } catch (error) {
      count(error instanceof EventError ? error.code : "internal");
      throw error;
    } finally {
      await report();
    }
  };

  async function take(given: unknown, commit?: Commit): Promise<Published> {
    if (nestsTooDeep(given))
      throw new EventError("invalid_payload", `entry: it nests more than ${MAX_DEPTH} levels deep`);
    const { event, id, ...rest } = parse(AnyEntry, given, "entry");
    const tenant = tenantOf(rest, tenantField);
    const publication = named.get(event);
    if (publication === undefined)
      throw new EventError("unknown_event", `event: there is no publication ${event}`);
    const entry = parse(publication.entry(), given, "entry");
    const work = (committed?: Commit) => run(publication, tenant, event, entry, committed);
    if (id === undefined || publication.isRead) return work(commit);
    const outcome = await idempotency.run(`published ${tenant}`, [id], work);
    switch (outcome.status) {
      case "done":
        return outcome.result;
      case "repeated":
        return { repeated: true };
      case "busy":
        throw new EventError("conflict", `conflict: the entry ${id} is being published`, outcome);
    }
  }

  async function run(
    publication: AnyPublication,
    tenant: string,
    event: string,
    entry: unknown,
    committed?: Commit,
  ): Promise<Published> {
    const buffer = sender.newBuffer();
    const flush = () => sender.sendOrLog(buffer.take());
    const outlet = createOutlet(parts, buffer, sender.sendOrLog);
    const where = { tenant, nsp: MAIN };
    const answer = await publication.handle({
      ...createContext(parts, outlet, where, flush),
      ...{ event, entry },
    });
    refuseOversized(buffer, runtime.limits);
    await sender.sendOrLog(buffer.emissions, { ready: committed });
    return answer ?? {};
  }
}

/** The tenant that an entry is for: of an application that names no field for it, there may be one alone. */
function tenantOf(entry: object, field: string | undefined): string {
  const schema: z.ZodMiniType<string | undefined> = field === undefined ? optional(Id) : Id;
  return parse(z.object({ [field ?? "tenant"]: schema }), entry, "entry")[field ?? "tenant"] ?? "";
}
