import { ACCOUNT } from "./template-values.ts";

/** What the roles of the template's functions may do. */
export interface Permissions {
  /** IAM's error message if a function may not do this with a resource; `undefined` if it may. */
  refusal(functionName: string, action: string, resource: string): Promise<string | undefined>;
  /** The allowed actions that each function has used so far. */
  readonly used: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * IAM's evaluation, where it is installed: its licence is the AGPL, so that this repository alone has it, for
 * its tests, and no package that others install.
 */
const simulator = import("@cloud-copilot/iam-simulate").catch((error: NodeJS.ErrnoException) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  return undefined;
});

/** Evaluates calls against policies as IAM does; without its evaluation everything is allowed. */
export function createPermissions(policies: ReadonlyMap<string, readonly object[]>): Permissions {
  const known = new Map<string, Promise<boolean>>();
  const used = new Map<string, Set<string>>();

  async function isAllowed(functionName: string, action: string, resource: string) {
    const simulation = await simulator;
    if (simulation === undefined) return true;
    const result = await simulation.runSimulation(
      {
        request: {
          principal: `arn:aws:iam::${ACCOUNT}:role/${functionName}`,
          action,
          resource: { resource, accountId: ACCOUNT },
          contextVariables: {},
        },
        identityPolicies: (policies.get(functionName) ?? []).map((policy, index) => ({
          name: `policy-${index}`,
          policy,
        })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
      },
      {},
    );
    if (result.resultType === "error")
      throw new Error(`${action} on ${resource}: ${JSON.stringify(result.errors)}`);
    return result.overallResult === "Allowed";
  }

  return {
    used,
    async refusal(functionName, action, resource) {
      if (!policies.has(functionName)) return undefined;
      // Permissions do not differ by connection, so one cached result serves all.
      const kind = resource.replace(/@connections\/.+$/, "@connections/any");
      const key = `${functionName} ${action} ${kind}`;
      const asked = known.get(key) ?? isAllowed(functionName, action, kind);
      known.set(key, asked);
      if (await asked) {
        used.set(functionName, (used.get(functionName) ?? new Set()).add(action));
        return undefined;
      }
      return `User: arn:aws:sts::${ACCOUNT}:assumed-role/${functionName} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
    },
  };
}
