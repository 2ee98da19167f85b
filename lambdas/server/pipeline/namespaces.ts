import type { AnyLeanApp, Lifecycle } from "#server/app.ts";

/** The room that every socket of a namespace is in. */
export const everyoneOf = ({ everyone = "everyone" }: Lifecycle): string => everyone;

/** Whether a connection of this application may have several sockets. */
export const hasNamespaces = ({ namespaces }: AnyLeanApp): boolean =>
  Object.keys(namespaces).length > 1;
