import { createIo, type Outlet } from "#server/socket/broadcast.ts";
import { everyoneIn } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

/** What every handler, hook and publication of a namespace is given; what it emits waits in the outlet's buffer. */
export const createContext = <Flush>(
  { app, stores, runtime }: Pick<Parts, "app" | "stores" | "runtime">,
  outlet: Outlet,
  where: { readonly tenant: string; readonly nsp: string },
  flush: Flush,
  receivedAt = runtime.now(),
) => ({
  ...stores,
  io: createIo(outlet, where, everyoneIn(app)),
  newId: runtime.newId,
  timestamp: new Date(runtime.now()).toISOString(),
  flush,
  receivedAt,
});
