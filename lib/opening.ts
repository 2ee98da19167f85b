import { Stack } from "aws-cdk-lib";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/**
 * The right of a function to invoke itself: Engine.IO's server speaks first, but API Gateway lets no
 * packet through before `$connect` has returned. A policy of its own, because in the role's default
 * policy it would make the template circular: the function waits for that one.
 */
export class Opening extends Construct {
  constructor(scope: Construct, id: string, { opener }: { readonly opener: LambdaFunction }) {
    super(scope, id);

    const policy = new Policy(this, "Policy", {
      statements: [
        new PolicyStatement({
          actions: ["lambda:InvokeFunction"],
          resources: [opener.functionArn],
        }),
      ],
    });
    opener.role?.attachInlinePolicy(policy);
    const { region, urlSuffix } = Stack.of(this);
    opener.addEnvironment("AWS_ENDPOINT_URL_LAMBDA", `https://lambda.${region}.${urlSuffix}`);
  }
}
