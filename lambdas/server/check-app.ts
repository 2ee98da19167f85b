import type { AnyLeanApp } from "./app.ts";

/** Throws one sentence that names what is wrong with an application, before anything is served. */
export function checkApp(app: AnyLeanApp, limits: Readonly<Record<string, number>>): void {
  const namespaces = Object.entries((app as Partial<AnyLeanApp> | null)?.namespaces ?? {});
  if (namespaces.length === 0)
    throw new Error("an application has namespaces: export const app = defineApp({ namespaces })");
  for (const [nsp, namespace] of namespaces) {
    if (!nsp.startsWith("/")) throw new Error(`the namespace ${nsp} must begin with /`);
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

/** The same of what only the function with clients needs. */
export function checkAuthentication({ namespaces }: AnyLeanApp): void {
  for (const [nsp, namespace] of Object.entries(namespaces))
    if (!("authenticate" in namespace))
      throw new Error(`the namespace ${nsp} does not say who may connect: authenticate is missing`);
}
