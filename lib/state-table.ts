import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

export interface StateTableProps {
  /** Whether the table refuses to be deleted and outlives the stack. */
  readonly deletionProtection: boolean;
}

// Not `grantReadWriteData`: that gives Scan, DescribeTable, the streams and every index as well.
const ITEM_ACTIONS = ["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem"]
  .concat("Query", "UpdateItem")
  .map((action) => `dynamodb:${action}`);

const SHARD_INDEX = "byShard";

/** The one table: connections, rooms, presence and whatever else outlives an invocation. */
export class StateTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { deletionProtection }: StateTableProps) {
    super(scope, id);

    this.table = new Table(this, "Items", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: "expiresAt",
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection,
      removalPolicy: deletionProtection ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    // Sparse: only connections carry a shard, so the sweep reads nothing else.
    this.table.addGlobalSecondaryIndex({
      indexName: SHARD_INDEX,
      partitionKey: { name: "shard", type: AttributeType.NUMBER },
      sortKey: { name: "pk", type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /** Lets a function read and write items, and tells it where they are. */
  allowUsing(user: LambdaFunction): void {
    user.addToRolePolicy(
      new PolicyStatement({ actions: ITEM_ACTIONS, resources: [this.table.tableArn] }),
    );
    user.addEnvironment("TABLE_NAME", this.table.tableName);
  }

  /** Lets a function find connections by their shard. */
  allowSweeping(sweeper: LambdaFunction): void {
    sweeper.addToRolePolicy(
      new PolicyStatement({
        actions: ["dynamodb:Query"],
        resources: [`${this.table.tableArn}/index/${SHARD_INDEX}`],
      }),
    );
  }
}
