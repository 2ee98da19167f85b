import { ArnFormat, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { Settings } from "./config.ts";
import { allowSecretKey } from "./secret-key.ts";

/** Lets a function read the secrets of integrations: those whose name begins with the prefix, and no others. */
export function allowIntegrationSecrets(
  scope: Construct,
  reader: LambdaFunction,
  settings: Pick<Settings, "integrationSecretPrefix" | "integrationSecretKeyArn">,
): void {
  const { integrationSecretPrefix: prefix, integrationSecretKeyArn: keyArn } = settings;
  const secrets = Stack.of(scope).formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: `${prefix}*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  reader.addToRolePolicy(
    new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secrets] }),
  );
  if (keyArn !== undefined) allowSecretKey(reader, keyArn);
}
