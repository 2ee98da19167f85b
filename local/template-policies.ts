import * as z from "zod";
import { arnIn, ofType, type Resources } from "./template-values.ts";

const Policy = z.object({
  PolicyDocument: z.looseObject({ Statement: z.array(z.looseObject({ Resource: z.unknown() })) }),
});

/** The policies of each function's role, with the local ARNs of the resources. */
export function policiesOf(resources: Resources): ReadonlyMap<string, readonly object[]> {
  const attached = ofType(resources, "AWS::IAM::Policy").map(([, { Properties }]) => ({
    roles: JSON.stringify(Properties.Roles),
    policies: [Policy.parse(Properties)],
  }));
  return new Map(
    ofType(resources, "AWS::Lambda::Function").flatMap(([name, { Properties }]) => {
      const { "Fn::GetAtt": [role] = [] } = (Properties.Role ?? {}) as {
        readonly "Fn::GetAtt"?: readonly string[];
      };
      // Only templates of tests have functions without a role.
      if (role === undefined) return [];
      const own = z.array(Policy).parse(resources[role]?.Properties.Policies ?? []);
      const others = attached.filter(({ roles }) => roles.includes(`"Ref":"${role}"`));
      const documents = [...own, ...others.flatMap(({ policies }) => policies)];
      return [[name, documents.map((policy) => resolvePolicy(policy, resources))] as const];
    }),
  );
}

const resolvePolicy = ({ PolicyDocument }: z.infer<typeof Policy>, resources: Resources) => ({
  ...PolicyDocument,
  Statement: PolicyDocument.Statement.map((statement) => ({
    ...statement,
    Resource: [statement.Resource].flat().map((resource) => arnIn(resource, resources)),
  })),
});
