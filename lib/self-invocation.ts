import { Duration } from "aws-cdk-lib";
import { Policy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  type CfnFunction,
  type Function as LambdaFunction,
  RecursiveLoop,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

export interface SelfInvocationProps {
  readonly invoker: LambdaFunction;
  /** How often Lambda retries what failed: a minute later. */
  readonly retryAttempts: 0 | 1;
}

/**
 * The right of a function to invoke itself: for the OPEN packet, because API Gateway takes no post
 * before `$connect` has returned, and for the sweep and large rooms, which divide their work.
 * A policy of its own, because in the role's default policy, which the function depends on, it would
 * make the template circular.
 */
export class SelfInvocation extends Construct {
  constructor(scope: Construct, id: string, { invoker, retryAttempts }: SelfInvocationProps) {
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
    // If it is throttled, Lambda would keep an invocation for six hours: these are worth nothing by then.
    invoker.configureAsyncInvoke({
      retryAttempts,
      maxEventAge: Duration.minutes(1 + retryAttempts),
    });
    // Lambda stops a chain of more than sixteen invocations of one function as a mistake.
    (invoker.node.defaultChild as CfnFunction).recursiveLoop = RecursiveLoop.ALLOW;
  }
}
