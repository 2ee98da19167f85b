import type { Lifecycle } from "#server/app.ts";

/** The room that every socket of a namespace is in. */
export const everyoneOf = ({ everyone = "everyone" }: Lifecycle): string => everyone;
