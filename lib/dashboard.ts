import { Duration } from "aws-cdk-lib";
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  type Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { CfnFunction, Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
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
import { PRICES, PRICES_DATE } from "./prices.ts";
import type { SocketIoServer } from "./socket-io-server.ts";

/** What `addDashboard` takes. */
export interface DashboardOptions {
  /** Other functions of the application, shown together with the server's own. Default: none. */
  readonly functions?: readonly LambdaFunction[];
  /** Metrics of the application that are shown among the failures. Default: none. */
  readonly failures?: readonly IMetric[];
}

/** The same, and what is shown. */
export interface DashboardProps extends DashboardOptions {
  readonly server: SocketIoServer;
}

/** The most lines of a graph that has one for each event or outcome. */
const LINES = 20;

/** A dashboard of a server: connections, events, fan-out, failures, the database, and what it costs. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { server, failures = [] } = props;
    const { deadLetters, table } = server;
    const { service } = server.operation;
    const functions = [...server.functions, ...(props.functions ?? [])];
    const all = (...names: readonly string[]) => names.map((name) => counted(service, name));
    const widget = (title: string, left: IMetric[], right: IMetric[] = []) =>
      new GraphWidget({ title, left, right, width: 8 });

    new CloudWatchDashboard(this, "Graphs", {
      widgets: [
        [
          widget("Connections", [connected(server)], all("ConnectionsOpened", "ConnectionsClosed")),
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
          widget("Sweep", all("Pinged", "Evicted", "Rotated", "CleanedUp", "SweepFailures")),
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
              ...all("PostsFailed", "Management5xx", "FanOutsFailed"),
              ...failures,
            ],
            [deadLetters.metricApproximateNumberOfMessagesVisible()],
          ),
          widget("DynamoDB", [
            table.metricConsumedReadCapacityUnits(),
            table.metricConsumedWriteCapacityUnits(),
          ]),
        ],
        [widget("Dollars an hour, about", [dollarsAnHour(server, functions)])],
      ],
    });
  }
}

/** Minutes between two pings of a connection. */
const pingMinutes = ({ pingInterval }: SocketIoServer): number =>
  pingInterval / MINUTE.toMilliseconds();

/** How many are connected: each is pinged once in this time. */
const connected = (server: SocketIoServer): Metric =>
  counted(server.operation.service, "Pinged").with({
    period: Duration.minutes(pingMinutes(server)),
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
function dollarsAnHour(
  server: SocketIoServer,
  functions: readonly LambdaFunction[],
): MathExpression {
  const { gateway, table } = server;
  const period = Duration.hours(1);
  const inHour = { period, statistic: "Sum" };
  const invocations = sumOf(
    "invocations",
    functions.map((one) => one.metricInvocations(inHour)),
    period,
  );
  const milliseconds = functions.map((one, index) => [`milliseconds${index}`, one] as const);
  // The polling function waits for long, in less memory than the others have.
  const gigabyteSeconds = milliseconds
    .map(([name, one]) => `${filled(name)} * ${gigabytesOf(one) / 1000}`)
    .join(" + ");
  const millions = [
    `${filled("messages")} * ${PRICES.message}`,
    `${filled("pings")} * ${pingMinutes(server)} * ${PRICES.connectionMinute}`,
    `(${invocations.expression}) * ${PRICES.invocation}`,
    `${filled("reads")} * ${PRICES.readUnit}`,
    `${filled("writes")} * ${PRICES.writeUnit}`,
  ].join(" + ");
  return new MathExpression({
    expression: `(${millions}) / 1000000 + (${gigabyteSeconds}) * ${PRICES.gigabyteSecond}`,
    label: `dollars, at list prices of ${PRICES_DATE}`,
    period,
    usingMetrics: {
      ...invocations.usingMetrics,
      ...Object.fromEntries(
        milliseconds.map(([name, one]) => [name, one.metricDuration(inHour)] as const),
      ),
      messages: gateway.count("MessageCount", period),
      pings: counted(server.operation.service, "Pinged").with(inHour),
      reads: table.metricConsumedReadCapacityUnits(inHour),
      writes: table.metricConsumedWriteCapacityUnits(inHour),
    },
  });
}

/** A function's memory; Lambda's default is 128 MiB. */
const gigabytesOf = (one: LambdaFunction): number =>
  ((one.node.defaultChild as CfnFunction).memorySize ?? 128) / 1024;
