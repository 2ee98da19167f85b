import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  EventSourceMapping,
  type EventSourceMappingOptions,
  StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { failureQueue } from "./failure-queue.ts";
import type { LambdaFunction } from "./lambda-function.ts";

/** Has a function take the changes of a table by its stream; gives the queue of the positions of those that it could not. */
export function followStream(
  scope: Construct,
  target: LambdaFunction,
  streamArn: string,
  options: Pick<EventSourceMappingOptions, "batchSize" | "reportBatchItemFailures" | "filters">,
): Queue {
  const failures = failureQueue(scope, "Failures", target);
  target.addToRolePolicy(
    new PolicyStatement({
      actions: ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"].map(
        (action) => `dynamodb:${action}`,
      ),
      resources: [streamArn],
    }),
  );
  const mapping = new EventSourceMapping(scope, "Changes", {
    target,
    eventSourceArn: streamArn,
    startingPosition: StartingPosition.LATEST,
    retryAttempts: 10,
    bisectBatchOnError: true,
    onFailure: { bind: () => ({ destination: failures.queueArn }) },
    ...options,
  });
  const policy = target.role?.node.tryFindChild("DefaultPolicy");
  if (policy !== undefined) mapping.node.addDependency(policy);
  return failures;
}
