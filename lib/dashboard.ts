import { Duration } from "aws-cdk-lib";
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  type Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Operation } from "./lambda-function.ts";
import {
  counted,
  droppedOf,
  errorsOf,
  FAILED_ROUTES,
  filled,
  MINUTE,
  NAMESPACE,
  sumOf,
  throttlesOf,
} from "./metrics.ts";
import { PRICES } from "./prices.ts";
import type { WebSocketGateway } from "./websocket-gateway.ts";

export interface DashboardProps {
  readonly operation: Operation;
  readonly gateway: WebSocketGateway;
  /** Milliseconds between two pings of a connection. */
  readonly pingInterval: number;
  readonly functions: readonly LambdaFunction[];
  readonly deadLetters: IQueue;
  readonly table: Table;
}

/** Lines of a graph that has one for each event or outcome: the largest. */
const LINES = 20;

/** What somebody on duty looks at. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { operation, functions, deadLetters, table } = props;
    const { service } = operation;
    const all = (...names: readonly string[]) => names.map((name) => counted(service, name));
    const widget = (title: string, left: IMetric[], right: IMetric[] = []) =>
      new GraphWidget({ title, left, right, width: 8 });

    new CloudWatchDashboard(this, "Graphs", {
      widgets: [
        [
          widget("Connections", [connected(props)], all("ConnectionsOpened", "ConnectionsClosed")),
          widget("Events by outcome", [eventsBy("outcome", service)]),
          widget("Events by domain", [eventsBy("event", service)]),
        ],
        [
          widget("Fan-out", all("Posts", "FanOut"), all("Gone")),
          widget(
            "Fan-out, milliseconds",
            ["p50", "p99"].map((statistic) =>
              counted(service, "FanOutDuration").with({ statistic }),
            ),
          ),
          widget("Sweep", all("Pinged", "Reaped", "Cleared", "SweepFailures")),
        ],
        [
          widget(
            "Functions, milliseconds",
            functions.map((one) => one.metricDuration({ statistic: "p99" })),
          ),
          widget(
            "Failures",
            [
              errorsOf(functions),
              throttlesOf(functions),
              droppedOf(functions),
              ...FAILED_ROUTES.map((route) => counted(service, "RequestsFailed", { route })),
              ...all("PostsFailed", "Management5xx", "FanOutsFailed", "ChangesFailed"),
            ],
            [deadLetters.metricApproximateNumberOfMessagesVisible()],
          ),
          widget("DynamoDB", [
            table.metricConsumedReadCapacityUnits(),
            table.metricConsumedWriteCapacityUnits(),
          ]),
        ],
        [widget("Dollars an hour, about", [dollarsAnHour(props)])],
      ],
    });
  }
}

/** The sweep comes by the minute. */
const pingMinutes = ({ pingInterval }: DashboardProps): number =>
  Math.floor(pingInterval / MINUTE.toMilliseconds());

/** How many are connected: each is pinged once in this time. */
const connected = (props: DashboardProps): Metric =>
  counted(props.operation.service, "Pinged").with({
    period: Duration.minutes(pingMinutes(props)),
    label: "Connected",
  });

/** A line for every value of a dimension, whatever values there are. */
const eventsBy = (dimension: "event" | "outcome", service: string): MathExpression =>
  new MathExpression({
    expression: `SELECT SUM("Events") FROM SCHEMA("${NAMESPACE}", "${dimension}", "service") WHERE "service" = '${service}' GROUP BY "${dimension}" ORDER BY SUM() DESC LIMIT ${LINES}`,
    label: "",
    period: MINUTE,
    usingMetrics: {},
  });

/** What an hour costs by list prices, without CloudFront, CloudWatch and stored bytes. */
function dollarsAnHour(props: DashboardProps): MathExpression {
  const { functions, gateway, operation, table } = props;
  const period = Duration.hours(1);
  const inHour = { period, statistic: "Sum" };
  const invocations = sumOf(
    "invocations",
    functions.map((one) => one.metricInvocations(inHour)),
    period,
  );
  const milliseconds = sumOf(
    "milliseconds",
    functions.map((one) => one.metricDuration(inHour)),
    period,
  );
  const millions = [
    `${filled("messages")} * ${PRICES.message}`,
    `${filled("pings")} * ${pingMinutes(props)} * ${PRICES.connectionMinute}`,
    `(${invocations.expression}) * ${PRICES.invocation}`,
    `${filled("reads")} * ${PRICES.readUnit}`,
    `${filled("writes")} * ${PRICES.writeUnit}`,
  ].join(" + ");
  const gigabytes = operation.memorySize / 1024;
  const seconds = `(${milliseconds.expression}) / 1000`;
  return new MathExpression({
    expression: `(${millions}) / 1000000 + ${seconds} * ${gigabytes} * ${PRICES.gigabyteSecond}`,
    label: "dollars",
    period,
    usingMetrics: {
      ...invocations.usingMetrics,
      ...milliseconds.usingMetrics,
      messages: gateway.count("MessageCount", period),
      pings: counted(operation.service, "Pinged").with(inHour),
      reads: table.metricConsumedReadCapacityUnits(inHour),
      writes: table.metricConsumedWriteCapacityUnits(inHour),
    },
  });
}
