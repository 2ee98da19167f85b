import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { readSettings } from "../../lib/config.ts";
import { MudbaseStack } from "../../lib/mudbase-stack.ts";

export const certificateArn = "arn:aws:acm:us-east-1:000000000000:certificate/a";

const key = (id: string) => `arn:aws:kms:us-east-1:000000000000:key/${id}`;

/** Every setting that adds resources or permissions. */
export const EVERYTHING = {
  ...{ demo: true, waf: true, domainName: "realtime.example.org", certificateArn },
  ...{ apiDomainName: "ws.example.org", apiCertificateArn: certificateArn },
  alarmTopicArn: "arn:aws:sns:us-east-1:000000000000:duty",
  tokenSecretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:mine-AbCdEf",
  ...{ tokenSecretKeyArn: key("tokens"), integrationSecretKeyArn: key("integrations") },
  ...{ tracing: true, accessLogs: true, gatewayLogRole: true },
  ...{ socketConcurrency: 100, heartbeatConcurrency: 16, pollingConcurrency: 20 },
};

/** The template of a deployment with these settings, without its bundles. */
export function templateWith(context: Readonly<Record<string, unknown>> = {}): Template {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  return Template.fromStack(new MudbaseStack(app, "Test", readSettings(context)));
}

/** Finds the one resource of a type whose logical id begins so, e.g. with `Socket` or `Gateway`. */
export const onlyIn =
  (template: Template) =>
  (type: string, start = "") => {
    const [[id, resource] = ["", { Properties: {} }], ...others] = Object.entries(
      template.findResources(type),
    ).filter(([id]) => id.startsWith(start));
    if (id === "" || others.length > 0)
      throw new Error(`There is not exactly one ${type} whose id begins with "${start}".`);
    return { id, ...resource.Properties };
  };

/** One statement of a policy in a template. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** Every statement of every policy in a template, with the logical ids of the roles that have it. */
export function statements(template: Template): (Statement & { readonly roles: string[] })[] {
  const policies = Object.values(template.findResources("AWS::IAM::Policy"));
  return policies.flatMap(({ Properties }) =>
    (Properties.PolicyDocument.Statement as Statement[]).map((statement) => ({
      ...statement,
      roles: (Properties.Roles as { Ref: string }[]).map(({ Ref }) => Ref),
    })),
  );
}
