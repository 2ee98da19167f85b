import type { AnyLeanApp, Namespace } from "./app.ts";

/** All that a namespace may declare. */
const KNOWN: Readonly<Record<keyof Namespace, true>> = {
  ...{ authenticate: true, use: true, on: true, domains: true, events: true, fallback: true },
  ...{ emits: true, everyone: true, roomsOfKind: true, ownRoom: true, immutableData: true },
  ...{ onConnect: true, onDisconnect: true, onAway: true, awayAfter: true, onBack: true },
  ...{ repeatsOnDisconnect: true, onExpire: true, onFull: true, release: true, refresh: true },
};

/** What Socket.IO emits by itself, by the hook that is meant. */
const HOOKS: ReadonlyMap<string, string> = new Map([
  ["connect", "onConnect"],
  ["connection", "onConnect"],
  ["disconnect", "onDisconnect"],
  ["disconnecting", "onDisconnect"],
]);

/** Throws one sentence that names what is wrong with an application, before anything is served. */
export function checkApp(app: AnyLeanApp, limits: Readonly<Record<string, number>>): void {
  const namespaces = Object.entries((app as Partial<AnyLeanApp> | null)?.namespaces ?? {});
  if (namespaces.length === 0)
    throw new Error("an application has namespaces: export const app = defineApp({ namespaces })");
  for (const [nsp, namespace] of namespaces) {
    if (!nsp.startsWith("/")) throw new Error(`the namespace ${nsp} must begin with /`);
    checkNames(nsp, namespace);
    const { roomsOfKind = {}, domains = {} } = namespace as {
      readonly roomsOfKind?: Readonly<Record<string, string>>;
      readonly domains?: Readonly<Record<string, { rate?: string; maxBytes?: string }>>;
    };
    const named = [
      ...Object.values(roomsOfKind),
      ...Object.values(domains).flatMap(({ rate, maxBytes }) => [rate, maxBytes]),
    ];
    for (const name of named)
      if (name !== undefined && limits[name] === undefined)
        throw new Error(`the namespace ${nsp} names the limit ${name}, which is none`);
  }
}

/** A misspelt name would never be called. */
function checkNames(nsp: string, namespace: object): void {
  const [unknown] = Object.keys(namespace).filter((name) => !Object.hasOwn(KNOWN, name));
  if (unknown !== undefined)
    throw new Error(`the namespace ${nsp} declares ${unknown}, which is none of what it may`);
  const { on = {} } = namespace as Pick<Namespace, "on">;
  for (const [event, listener] of Object.entries(on)) {
    if (typeof listener !== "function")
      throw new Error(`the handler of ${event} in the namespace ${nsp} must be a function`);
    const hook = HOOKS.get(event);
    if (hook !== undefined)
      throw new Error(`no client sends ${event} in the namespace ${nsp}: use ${hook}`);
  }
}

/** The same of what only the function with clients needs. */
export function checkAuthentication({ namespaces }: AnyLeanApp): void {
  for (const [nsp, namespace] of Object.entries(namespaces))
    if (!("authenticate" in namespace))
      throw new Error(`the namespace ${nsp} does not say who may connect: authenticate is missing`);
}
