import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { EventSourceMapping, FilterCriteria, StartingPosition } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct, type IConstruct } from "constructs";
import { failureQueue } from "./failure-queue.ts";
import { LambdaFunction } from "./lambda-function.ts";
import type { RealtimeStack } from "./realtime-stack.ts";

export interface TableChangesProps {
  /** The table whose changes are told; it must have a stream of new and old images. */
  readonly source: IConstruct & { readonly tableStreamArn?: string | undefined };
  /** The deployment whose sockets hear of them. */
  readonly realtime: RealtimeStack;
  /** Where the changes are told: `db:create`, `db:update` and `db:delete` of this collection. */
  readonly org: string;
  readonly projectId: string;
  readonly collectionId: string;
  /** The attribute that is a document's `_id`. */
  readonly idAttribute: string;
  /** The attributes that clients are told besides. Default: all. */
  readonly attributes?: readonly string[];
  /** Changes that are told, by Lambda's filter patterns on `eventName` and `dynamodb`. Default: all. */
  readonly filters?: readonly Record<string, unknown>[];
  /** Changes that a function takes at once. Default: 100. */
  readonly batchSize?: number;
}

/** A DynamoDB table as a source of live queries: its stream is published as changes of a collection. */
export class TableChanges extends Construct {
  /** Where the stream's positions lie of changes that could not be published. */
  readonly failures: Queue;

  constructor(scope: Construct, id: string, props: TableChangesProps) {
    super(scope, id);
    const { source, realtime, filters = [], batchSize = 100 } = props;
    const { tableStreamArn } = source;
    if (tableStreamArn === undefined)
      throw new Error(`The table ${source.node.path} has no stream: give it NEW_AND_OLD_IMAGES.`);

    const { org, projectId, collectionId, idAttribute, attributes } = props;
    const publisher = new LambdaFunction(this, "Publisher", {
      entry: "lambdas/mudbase/functions/table-changes.ts",
      operation: realtime.operation,
      environment: {
        TABLE_CHANGES: JSON.stringify({ org, projectId, collectionId, idAttribute, attributes }),
      },
    });
    realtime.allowPublishing(publisher, ["GetItem"]);
    this.failures = failureQueue(this, "Failures", publisher);
    publisher.addToRolePolicy(
      new PolicyStatement({
        actions: ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"].map(
          (action) => `dynamodb:${action}`,
        ),
        resources: [tableStreamArn],
      }),
    );
    const mapping = new EventSourceMapping(this, "Changes", {
      target: publisher,
      eventSourceArn: tableStreamArn,
      startingPosition: StartingPosition.LATEST,
      batchSize,
      // Only what failed, and what came after it, is tried again.
      reportBatchItemFailures: true,
      retryAttempts: 10,
      bisectBatchOnError: true,
      onFailure: { bind: () => ({ destination: this.failures.queueArn }) },
      ...(filters.length > 0 && {
        filters: filters.map((filter) => FilterCriteria.filter(filter)),
      }),
    });
    const policy = publisher.role?.node.tryFindChild("DefaultPolicy");
    if (policy !== undefined) mapping.node.addDependency(policy);
  }
}
