import { Duration } from "aws-cdk-lib";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  MathExpression,
  Metric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { METRICS } from "./lambda-function.ts";

export interface WatchProps {
  readonly functions: readonly LambdaFunction[];
  /** Pings; its silence is an alarm. */
  readonly heart: LambdaFunction;
  readonly deadLetters: IQueue;
  readonly table: Table;
  /** Where alarms are told; nowhere without it. */
  readonly topicArn?: string | undefined;
}

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);
const SOME = 10;

/** What somebody on duty looks at, and what calls them: `docs/operations.md` has a line for each alarm. */
export class Watch extends Construct {
  readonly #actions: readonly SnsAction[];

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id);
    const { functions, heart, deadLetters, table, topicArn } = props;
    this.#actions =
      topicArn === undefined ? [] : [new SnsAction(Topic.fromTopicArn(this, "Topic", topicArn))];

    const errors = sumOf(
      "errors",
      functions.map((one) => one.metricErrors({ period: MINUTE })),
    );
    const throttles = sumOf(
      "throttles",
      functions.map((one) => one.metricThrottles({ period: MINUTE })),
    );
    this.#alarm("FunctionErrors", errors, "a function failed");
    this.#alarm("FunctionThrottles", throttles, "Lambda had no room for a function");
    this.#alarm(
      "DeadLetters",
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
      "an entry could not be published",
    );
    this.#alarm("PostsFailed", counted("PostsFailed"), "the management API failed after all tries");
    // One in a while is tried again and nobody notices.
    this.#alarm(
      "Management5xx",
      counted("Management5xx").with({ period: FIVE_MINUTES }),
      "the management API fails again and again, and posts take longer",
      SOME,
    );
    this.#alarm("InternalRefusals", refused("internal"), "an event failed for a reason of ours");
    new Alarm(this, "SweepOverdue", {
      alarmDescription: "no sweep in five minutes: dead connections stay, live ones get no ping",
      metric: heart.metricInvocations({ period: FIVE_MINUTES }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    }).addAlarmAction(...this.#actions);

    this.#dashboard(functions, deadLetters, table, errors, throttles);
  }

  /** An alarm that goes off at the first one, or where there are more than so many. */
  #alarm(id: string, metric: IMetric, alarmDescription: string, threshold = 0): void {
    new Alarm(this, id, {
      ...{ alarmDescription, metric, threshold, evaluationPeriods: 1 },
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(...this.#actions);
  }

  #dashboard(
    functions: readonly LambdaFunction[],
    deadLetters: IQueue,
    table: Table,
    errors: IMetric,
    throttles: IMetric,
  ): void {
    const widget = (title: string, left: IMetric[], right: IMetric[] = []) =>
      new GraphWidget({ title, left, right, width: 8 });
    new Dashboard(this, "Dashboard", {
      widgets: [
        [
          widget("Connections", [counted("ConnectionsOpened"), counted("ConnectionsClosed")]),
          widget("Events by outcome", [byDimension("Events", "event,outcome", "outcome")]),
          widget("Refusals by code", [byDimension("Refusals", "code", "code")]),
        ],
        [
          widget("Fan-out", [counted("Posts"), counted("FanOut")], [counted("Gone")]),
          widget("Fan-out, milliseconds", [
            counted("FanOutDuration", "p50"),
            counted("FanOutDuration", "p99"),
          ]),
          widget("Sweep", [counted("Pinged"), counted("Reaped"), counted("SweepFailures")]),
        ],
        [
          widget("Functions, milliseconds", [
            ...functions.map((one) => one.metricDuration({ statistic: "p99" })),
          ]),
          widget(
            "Failures",
            [errors, throttles, counted("PostsFailed"), counted("Management5xx")],
            [deadLetters.metricApproximateNumberOfMessagesVisible()],
          ),
          widget("DynamoDB", [
            table.metricConsumedReadCapacityUnits(),
            table.metricConsumedWriteCapacityUnits(),
          ]),
        ],
        [widget("Dollars an hour, about", [dollarsAnHour(functions, table)])],
      ],
    });
  }
}

/** A metric that the functions write. */
const counted = (metricName: string, statistic = "Sum"): Metric =>
  new Metric({
    ...{ namespace: METRICS.namespace, metricName, statistic, period: MINUTE },
    dimensionsMap: { service: METRICS.service },
  });

const refused = (code: string): Metric =>
  new Metric({
    ...{ namespace: METRICS.namespace, metricName: "Refusals", statistic: "Sum", period: MINUTE },
    dimensionsMap: { service: METRICS.service, code },
  });

/** A line for every value of a dimension, whatever values there are. */
const byDimension = (metricName: string, dimensions: string, label: string): MathExpression =>
  new MathExpression({
    expression: `SEARCH('{${METRICS.namespace},service,${dimensions}} MetricName="${metricName}"', 'Sum', 60)`,
    label: `[${label}]`,
    usingMetrics: {},
  });

function sumOf(label: string, metrics: readonly IMetric[]): MathExpression {
  const named = metrics.map((metric, index) => [`${label}${index}`, metric] as const);
  return new MathExpression({
    expression: named.map(([name]) => name).join(" + "),
    usingMetrics: Object.fromEntries(named),
    label,
    period: MINUTE,
  });
}

/** What the last hour cost by the list prices of `docs/performance.md`; connection minutes are left out. */
function dollarsAnHour(functions: readonly LambdaFunction[], table: Table): MathExpression {
  const hour = { period: Duration.hours(1), statistic: "Sum" };
  const invocations = functions.map(
    (one, index) => [`i${index}`, one.metricInvocations(hour)] as const,
  );
  return new MathExpression({
    expression: `(posts * 1 + (${invocations.map(([name]) => name).join(" + ")}) * 0.2 + reads * 0.125 + writes * 0.625) / 1000000`,
    label: "dollars",
    period: Duration.hours(1),
    usingMetrics: {
      ...Object.fromEntries(invocations),
      posts: counted("Posts").with(hour),
      reads: table.metricConsumedReadCapacityUnits(hour),
      writes: table.metricConsumedWriteCapacityUnits(hour),
    },
  });
}
