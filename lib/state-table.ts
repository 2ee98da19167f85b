import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

export interface StateTableProps {
  /** Whether the table is kept when the stack is deleted. */
  readonly deletionProtection: boolean;
}

/** What reading rooms takes, and removing connections that are gone. */
const REACHING = ["BatchGetItem", "BatchWriteItem", "DeleteItem", "Query", "UpdateItem"];

/** What only some functions do with items besides. */
export type ItemAction = "GetItem" | "PutItem";

const SHARD_INDEX = "byShard";

/** The one table: connections, rooms, and whatever else outlives an invocation. */
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
      // Not DynamoDB's own protection: it would also keep the table of a first deployment that failed.
      removalPolicy: deletionProtection
        ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        : RemovalPolicy.DESTROY,
    });
    // Sparse: only connections carry a shard, so the sweep reads nothing else.
    this.table.addGlobalSecondaryIndex({
      indexName: SHARD_INDEX,
      partitionKey: { name: "shard", type: AttributeType.NUMBER },
      sortKey: { name: "pk", type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /** Lets a function read rooms, remove connections and do what it does besides; sets the table's name in its environment. */
  allowUsing(user: LambdaFunction, also: readonly ItemAction[] = []): void {
    // Not `grantReadWriteData`: that grants Scan, DescribeTable, the streams and every index as well.
    const actions = [...REACHING, ...also].map((action) => `dynamodb:${action}`);
    user.addToRolePolicy(new PolicyStatement({ actions, resources: [this.table.tableArn] }));
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
