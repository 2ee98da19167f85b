import type { AnyLeanApp } from "#server/app.ts";
import { checkApp } from "#server/check-app.ts";
import { createLinks, type Links } from "#server/engine/transports/links.ts";
import { createTransport } from "#server/engine/transports/transport.ts";
import { retentionOf } from "#server/model/recovery.ts";
import { socketIn } from "#server/model/session.ts";
import type { Transports } from "#server/model/transport.ts";
import { createRuntime, type Runtime } from "#server/runtime.ts";
import type { Adapter } from "#server/store/adapter.ts";
import { createAdapter } from "#server/store/create-adapter.ts";
import { createIdempotency } from "#server/store/idempotency.ts";
import type { Forget } from "#server/store/ledger-purge.ts";
import { createPublish, type Publish } from "./publish.ts";
import type { Watch, Watched } from "./report.ts";
import { createSender } from "./send.ts";

/** What every function of an application is made of. */
export interface Parts<App extends AnyLeanApp = AnyLeanApp> {
  readonly app: App;
  readonly runtime: Runtime;
  readonly adapter: Adapter;
  /** What is noted for those who watch; not where nobody may. */
  readonly watch?: Watch | undefined;
  readonly stores: object;
  /** The way to clients, whichever transport they use. */
  readonly transport: Transports;
  readonly links: Links;
}

/** Makes what a function of an application consists of: the composition root's first step. */
export function createParts<App extends AnyLeanApp>(
  app: App,
  runtime = createRuntime(app, process.env),
): Parts<App> {
  checkApp(app, runtime.limits);
  const kinds = Object.assign({}, ...Object.values(app.namespaces).map((one) => one.roomsOfKind));
  const roomsOfKind = Object.fromEntries(
    Object.entries<string>(kinds).map(([kind, limit]) => [kind, runtime.limits[limit] ?? 0]),
  );
  const { table, limits, now } = runtime;
  const retention = retentionOf(runtime.heartbeat, limits.connectionStateRecovery * 1000);
  const store = createAdapter(table, { ...limits, roomsOfKind, retention }, now, forget);
  const watch = (app as Watched).watch?.(runtime, store);
  const adapter = watch?.adapter ?? store;
  const stores: object = { ...app.stores?.(runtime, adapter), ...watch?.stores };
  const links = createLinks();
  const { gateway: webSocket, newId, pause } = runtime;
  const { queues } = adapter;
  const transports = createTransport({ queues, webSocket, links, newId, pause, now });
  const transport = watch === undefined ? transports : noting(transports, watch);
  return { app, runtime, adapter, watch, stores, transport, links };

  async function forget(...[ended, released, upTo]: Parameters<Forget>): Promise<void> {
    const { release } = app.namespaces[ended.nsp] ?? {};
    await release?.(socketIn(ended), released, stores, upTo);
  }
}

/** The same way to clients, which notes what has arrived there. */
const noting = (transport: Transports, watch: Watch): Transports => ({
  ...transport,
  async post(...sent) {
    const result = await transport.post(...sent);
    const [connectionId, frames] = sent;
    if (result === "sent") for (const frame of frames) watch.posted(connectionId, frame);
    return result;
  },
});

/** Milliseconds for which an entry's id is remembered. */
const ENTRY_TTL = 600_000;

/** Takes what other back ends publish, in whatever function. */
export const createPublisher = (parts: Parts): Publish =>
  createPublish(parts, createSender(parts), createIdempotency(parts.runtime, ENTRY_TTL));
