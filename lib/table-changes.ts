import { FilterCriteria } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct, type IConstruct } from "constructs";
import { followStream } from "./follow-stream.ts";
import { LambdaFunction } from "./lambda-function.ts";
import type { SocketIoServer } from "./socket-io-server.ts";

export interface TableChangesProps {
  /** The table whose changes are published; it must have a stream of new and old images. */
  readonly source: IConstruct & { readonly tableStreamArn?: string | undefined };
  /** The server whose sockets get them: `server` of a `MudbaseStack`. */
  readonly server: SocketIoServer;
  /** The collection of the events `db:create`, `db:update` and `db:delete`. */
  readonly org: string;
  readonly projectId: string;
  readonly collectionId: string;
  /** The attribute that is a document's `_id`. */
  readonly idAttribute: string;
  /** The other attributes that clients get. Default: all. */
  readonly attributes?: readonly string[];
  /** Lambda's filter patterns on `eventName` and `dynamodb` of the changes. Default: all are published. */
  readonly filters?: readonly Record<string, unknown>[];
  /** The most changes that one invocation gets. Default: 100. */
  readonly batchSize?: number;
}

/** A DynamoDB table as a source of live queries: its stream is published as changes of a collection. */
export class TableChanges extends Construct {
  /** Positions in the stream of changes that could not be published. */
  readonly failures: Queue;

  constructor(scope: Construct, id: string, props: TableChangesProps) {
    super(scope, id);
    const { source, server, filters = [], batchSize = 100 } = props;
    const { tableStreamArn } = source;
    if (tableStreamArn === undefined)
      throw new Error(`The table ${source.node.path} has no stream: give it NEW_AND_OLD_IMAGES.`);

    const { org, projectId, collectionId, idAttribute, attributes } = props;
    const publisher = new LambdaFunction(this, "Publisher", {
      entry: "lambdas/mudbase/functions/table-changes.ts",
      operation: server.operation,
      environment: {
        TABLE_CHANGES: JSON.stringify({ org, projectId, collectionId, idAttribute, attributes }),
      },
    });
    server.grantSend(publisher, ["GetItem"]);
    this.failures = followStream(this, publisher, tableStreamArn, {
      batchSize,
      // Only what failed, and what follows it, is retried.
      reportBatchItemFailures: true,
      ...(filters.length > 0 && {
        filters: filters.map((filter) => FilterCriteria.filter(filter)),
      }),
    });
  }
}
