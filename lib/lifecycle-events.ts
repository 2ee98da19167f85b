import { type CfnTable, StreamViewType, type Table } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { type Function as AwsFunction, FilterCriteria } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { followStream } from "./follow-stream.ts";
import { LambdaFunction, type Operation } from "./lambda-function.ts";
import { serverFile } from "./server-file.ts";

/** Whose lifecycle events are sent. */
export interface LifecycleEventsProps {
  /** The server's table, which is given a stream. */
  readonly table: Table;
  readonly operation: Operation;
}

/** What of the table says something of sockets and rooms. */
const KEYS = ["sess#", "room#", "occupied#"];

/**
 * A bus on which other systems are notified of what happens: `Socket Connected`, `Socket Recovered`, `Socket Disconnected`
 * with its reason, `Room Occupied` and `Room Vacated`. They come from the table's stream, so that no function of the
 * server does anything for them, and none is lost where one dies.
 */
export class LifecycleEvents extends Construct {
  /** Where the events are put. */
  readonly bus: EventBus;
  /** Puts the events on the bus. */
  readonly notifier: AwsFunction;
  /** Positions in the stream of changes of which nobody could be told. */
  readonly failures: Queue;

  constructor(scope: Construct, id: string, { table, operation }: LifecycleEventsProps) {
    super(scope, id);

    this.bus = new EventBus(this, "Bus");
    const notifier = new LambdaFunction(this, "Notifier", {
      entry: serverFile("functions/lifecycle"),
      operation,
      environment: { TABLE_NAME: table.tableName, EVENT_BUS_NAME: this.bus.eventBusName },
    });
    this.notifier = notifier;
    this.#allow(["dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"], table.tableArn);
    this.#allow(["events:PutEvents"], this.bus.eventBusArn);
    const definition = table.node.defaultChild as CfnTable;
    definition.streamSpecification = { streamViewType: StreamViewType.NEW_AND_OLD_IMAGES };
    this.failures = followStream(this, notifier, definition.attrStreamArn, {
      batchSize: 100,
      filters: KEYS.map((prefix) =>
        FilterCriteria.filter({ dynamodb: { Keys: { pk: { S: [{ prefix }] } } } }),
      ),
    });
  }

  #allow(actions: readonly string[], resource: string): void {
    this.notifier.addToRolePolicy(
      new PolicyStatement({ actions: [...actions], resources: [resource] }),
    );
  }
}
