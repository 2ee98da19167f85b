import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/**
 * The right of a function to invoke itself: for the opening, because API Gateway lets no packet
 * through before `$connect` has returned, and for the sweep, which divides its work. A policy of its
 * own, because in the role's default policy it would make the template circular: the function waits
 * for that one.
 */
export class SelfInvocation extends Construct {
  constructor(scope: Construct, id: string, { invoker }: { readonly invoker: LambdaFunction }) {
    super(scope, id);

    const policy = new Policy(this, "Policy", {
      statements: [
        new PolicyStatement({
          actions: ["lambda:InvokeFunction"],
          resources: [invoker.functionArn],
        }),
      ],
    });
    invoker.role?.attachInlinePolicy(policy);
  }
}
