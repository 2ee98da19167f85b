import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as CdkFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { LambdaFunction, type LambdaFunctionProps } from "./lambda-function.ts";
import { SelfInvocation } from "./self-invocation.ts";

/** Large rooms: a function posts to a page of one, and invokes itself for the rest. */
export class FanOut extends Construct {
  readonly worker: LambdaFunction;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    super(scope, id);

    this.worker = new LambdaFunction(this, "Carrier", props);
    // It reports itself what it could not deliver; after a retry, all would arrive twice.
    new SelfInvocation(this, "Again", { invoker: this.worker, retryAttempts: 0 });
  }

  /** Lets a function invoke the worker for what is left of a large room. */
  allowInvoking(sender: CdkFunction): void {
    const { functionArn, functionName } = this.worker;
    sender.addToRolePolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [functionArn] }),
    );
    sender.addEnvironment("FAN_OUT_FUNCTION", functionName);
  }
}
