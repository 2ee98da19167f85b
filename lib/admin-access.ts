import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { allowSecretKey } from "./secret-key.ts";
import type { AdminProps } from "./server-props.ts";

/** Lets a function with clients serve the Admin UI: read its secret, and know where that is. */
export function allowAdmin(
  server: LambdaFunction,
  { secretArn, secretKeyArn, readonly = true }: AdminProps,
): void {
  server.addToRolePolicy(
    new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secretArn] }),
  );
  if (secretKeyArn !== undefined) allowSecretKey(server, secretKeyArn);
  server.addEnvironment("ADMIN", JSON.stringify({ secretArn, readonly }));
}
