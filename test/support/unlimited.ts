import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";

/** Settings without rate limits. */
export const UNLIMITED: Partial<Limits> = Object.fromEntries(
  Object.keys(Limits.parse({})).flatMap((name) => (name.endsWith("PerSecond") ? [[name, 0]] : [])),
);
