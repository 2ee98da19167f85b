import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";

/** Settings without any limit of rate. */
export const UNLIMITED: Partial<Limits> = Object.fromEntries(
  Object.keys(Limits.parse({})).flatMap((name) => (name.endsWith("PerSecond") ? [[name, 0]] : [])),
);
