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
  /** How often Lambda tries again what failed: a minute later. */
  readonly retryAttempts: 0 | 1;
}

/**
 * The right of a function to invoke itself: for the opening, because API Gateway lets no packet
 * through before `$connect` has returned, and for the sweep and large rooms, which divide their work.
 * A policy of its own, because in the role's default policy it would make the template circular: the
 * function waits for that one.
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
    // Where it has no room, Lambda would keep an invocation for six hours: these are worth nothing by then.
    invoker.configureAsyncInvoke({
      retryAttempts,
      maxEventAge: Duration.minutes(1 + retryAttempts),
    });
    // Lambda takes a chain of more than sixteen of one function for a mistake, and cuts it.
    (invoker.node.defaultChild as CfnFunction).recursiveLoop = RecursiveLoop.ALLOW;
  }
}
