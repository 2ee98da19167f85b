import { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";

/** Lets a function decrypt secrets with a customer's KMS key: through Secrets Manager alone. */
export function allowSecretKey(reader: LambdaFunction, keyArn: string): void {
  const service = `secretsmanager.${Stack.of(reader).region}.amazonaws.com`;
  reader.addToRolePolicy(
    new PolicyStatement({
      actions: ["kms:Decrypt"],
      resources: [keyArn],
      conditions: { StringEquals: { "kms:ViaService": service } },
    }),
  );
}
