import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { LambdaFunction, type Operation } from "./lambda-function.ts";
import { SelfInvocation } from "./self-invocation.ts";

export interface FanOutProps {
  readonly operation: Operation;
}

/** Large rooms: a function carries a page of one, and has others of its kind carry the rest. */
export class FanOut extends Construct {
  readonly carrier: LambdaFunction;

  constructor(scope: Construct, id: string, { operation }: FanOutProps) {
    super(scope, id);

    this.carrier = new LambdaFunction(this, "Carrier", {
      entry: "lambdas/mudbase/functions/fan-out.ts",
      operation,
    });
    // What it could not deliver it says itself; a second try would arrive twice.
    new SelfInvocation(this, "Again", { invoker: this.carrier, retryAttempts: 0 });
  }

  /** Lets a function hand large rooms on. */
  allowHandingOn(sender: LambdaFunction): void {
    const { functionArn, functionName } = this.carrier;
    sender.addToRolePolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [functionArn] }),
    );
    sender.addEnvironment("FAN_OUT_FUNCTION", functionName);
  }
}
