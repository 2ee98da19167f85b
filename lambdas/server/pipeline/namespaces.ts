import type { AnyLeanApp, Lifecycle } from "#server/app.ts";

/** The room that every socket of a namespace is in. */
export const everyoneOf = ({ everyone = "everyone" }: Lifecycle): string => everyone;

/** The same, by a namespace's name. */
export const everyoneIn =
  ({ namespaces }: Pick<AnyLeanApp, "namespaces">) =>
  (nsp: string): string =>
    everyoneOf(namespaces[nsp] ?? {});
