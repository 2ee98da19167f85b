import { Limits } from "../../lambdas/server/model/limits.ts";

/** Settings without any limit of rate. */
export const UNLIMITED: Partial<Limits> = Object.fromEntries(
  Object.keys(Limits.parse({})).flatMap((name) => (name.endsWith("PerSecond") ? [[name, 0]] : [])),
);
