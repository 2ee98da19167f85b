import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { counted, errorsOf, MINUTE, throttlesOf } from "./metrics.ts";

export interface AlarmsProps {
  /** What the metrics of the deployment are told from another's by. */
  readonly service: string;
  readonly functions: readonly LambdaFunction[];
  /** Pings; its silence is an alarm. */
  readonly heart: LambdaFunction;
  readonly deadLetters: IQueue;
  /** Where alarms are told; nowhere without it. */
  readonly topicArn?: string | undefined;
}

const FIVE_MINUTES = Duration.minutes(5);
const SOME = 10;

/** What calls somebody on duty: `docs/operations.md` has a line for each. */
export class Alarms extends Construct {
  readonly #actions: readonly SnsAction[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { service, functions, heart, deadLetters, topicArn } = props;
    this.#actions =
      topicArn === undefined ? [] : [new SnsAction(Topic.fromTopicArn(this, "Topic", topicArn))];

    this.#goesOff("FunctionErrors", errorsOf(functions), "a function failed");
    this.#goesOff("FunctionThrottles", throttlesOf(functions), "Lambda had no room for a function");
    this.#goesOff(
      "DeadLetters",
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
      "an entry could not be published",
    );
    this.#goesOff(
      "PostsFailed",
      counted(service, "PostsFailed"),
      "the management API failed after all tries",
    );
    // One in a while is tried again and nobody notices.
    this.#goesOff(
      "Management5xx",
      counted(service, "Management5xx").with({ period: FIVE_MINUTES }),
      "the management API fails again and again, and posts take longer",
      { threshold: SOME, evaluationPeriods: 1 },
    );
    this.#goesOff(
      "InternalRefusals",
      counted(service, "Events", { outcome: "internal" }),
      "an event failed for a reason of ours",
    );
    new Alarm(this, "SweepOverdue", {
      alarmDescription: "no sweep in five minutes: dead connections stay, live ones get no ping",
      metric: heart.metricInvocations({ period: FIVE_MINUTES }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    }).addAlarmAction(...this.#actions);
  }

  /** At the first one, or where there are more than so many; in any of five minutes, because some metrics come late. */
  #goesOff(
    id: string,
    metric: IMetric,
    alarmDescription: string,
    { threshold = 0, evaluationPeriods = 5 } = {},
  ): void {
    new Alarm(this, id, {
      ...{ alarmDescription, metric, threshold, evaluationPeriods, datapointsToAlarm: 1 },
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(...this.#actions);
  }
}
