import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import {
  counted,
  droppedOf,
  errorsOf,
  type FAILED_ROUTES,
  filled,
  MINUTE,
  throttlesOf,
} from "./metrics.ts";
import type { WebSocketGateway } from "./websocket-gateway.ts";

export interface AlarmsProps {
  /** What the metrics of the deployment are told from another's by. */
  readonly service: string;
  readonly functions: readonly LambdaFunction[];
  /** Pings; its silence is an alarm. */
  readonly heart: LambdaFunction;
  readonly gateway: WebSocketGateway;
  readonly deadLetters: IQueue;
  /** Where alarms are told; nowhere without it. */
  readonly topicArn?: string | undefined;
}

/** When an alarm goes off: where so many of its periods had a value above the threshold. */
interface Sensitivity {
  readonly threshold?: number;
  readonly evaluationPeriods?: number;
  readonly datapointsToAlarm?: number;
}

const FIVE_MINUTES = Duration.minutes(5);
const TWO_MINUTES = Duration.minutes(2);

/** More than ten in five minutes: one in a while is tried again and nobody notices. */
const AGAIN_AND_AGAIN: Sensitivity = { threshold: 10, evaluationPeriods: 1 };

/** What calls somebody on duty: `docs/operations.md` has a line for each. */
export class Alarms extends Construct {
  readonly #actions: readonly SnsAction[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { topicArn } = props;
    this.#actions =
      topicArn === undefined ? [] : [new SnsAction(Topic.fromTopicArn(this, "Topic", topicArn))];

    this.#watchFunctions(props);
    this.#watchGateway(props);
    this.#watchRequests(props);
    this.#watchHeartbeat(props);
  }

  #watchFunctions({ functions, deadLetters }: AlarmsProps): void {
    this.#goesOff("FunctionErrors", errorsOf(functions), "a function failed");
    this.#goesOff("FunctionThrottles", throttlesOf(functions), "Lambda had no room for a function");
    this.#goesOff(
      "AsyncEventsDropped",
      droppedOf(functions),
      "an opening, a part of a broadcast or of a sweep, or an entry was given up",
    );
    this.#goesOff(
      "DeadLetters",
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
      "an entry could not be published",
    );
  }

  #watchGateway({ service, gateway }: AlarmsProps): void {
    this.#goesOff(
      "PostsFailed",
      counted(service, "PostsFailed"),
      "the management API failed after all tries",
    );
    this.#goesOff(
      "Management5xx",
      counted(service, "Management5xx").with({ period: FIVE_MINUTES }),
      "the management API fails again and again, and posts take longer",
      AGAIN_AND_AGAIN,
    );
    this.#goesOff(
      "ExecutionErrors",
      gateway.count("ExecutionError", MINUTE),
      "API Gateway could not invoke the socket function",
    );
    // Upgrades that are refused may be among them, and those are nobody's fault here.
    this.#goesOff(
      "IntegrationErrors",
      gateway.count("IntegrationError", FIVE_MINUTES),
      "the socket function answers API Gateway with errors again and again",
      AGAIN_AND_AGAIN,
    );
  }

  #watchRequests({ service }: AlarmsProps): void {
    const failed = (route: (typeof FAILED_ROUTES)[number]) =>
      counted(service, "RequestsFailed", { route });
    this.#goesOff("ConnectsFailed", failed("$connect"), "a client was answered 500");
    this.#goesOff("OpeningsFailed", failed("opening"), "a client waited for OPEN in vain");
    this.#goesOff("FramesFailed", failed("$default"), "a frame failed for a reason of ours");
    this.#goesOff("WebhooksFailed", failed("webhook"), "a webhook was answered 500");
    this.#goesOff(
      "InternalRefusals",
      counted(service, "Events", { outcome: "internal" }),
      "an event failed for a reason of ours",
    );
    this.#goesOff(
      "FanOutsFailed",
      counted(service, "FanOutsFailed"),
      "a part of a large room was not delivered to",
    );
    this.#goesOff(
      "ChangesFailed",
      counted(service, "ChangesFailed"),
      "a change of a table was not published",
    );
  }

  #watchHeartbeat({ service, heart, gateway }: AlarmsProps): void {
    this.#goesOff(
      "SweepFailures",
      counted(service, "SweepFailures"),
      "a connection could not be swept",
    );
    // Silence alone would also be an alarm before the first beat of a deployment.
    const beats = heart.metricInvocations({ period: TWO_MINUTES });
    const usingMetrics = {
      beats,
      connects: gateway.count("ConnectCount", TWO_MINUTES),
      messages: gateway.count("MessageCount", TWO_MINUTES),
    };
    const isVisited = `(${filled("connects")} + ${filled("messages")} > 0)`;
    const isSilent = `(${filled("beats")} == 0)`;
    this.#goesOff(
      "SweepOverdue",
      new MathExpression({
        ...{ expression: `${isVisited} * ${isSilent}`, usingMetrics },
        ...{ label: "silent", period: TWO_MINUTES },
      }),
      "no sweep while clients are there: dead connections stay, live ones get no ping",
      { evaluationPeriods: 10, datapointsToAlarm: 2 },
    );
  }

  /** At the first one in any of five minutes, because some metrics come late; no value is no alarm. */
  #goesOff(
    id: string,
    metric: IMetric,
    alarmDescription: string,
    { threshold = 0, evaluationPeriods = 5, datapointsToAlarm = 1 }: Sensitivity = {},
  ): void {
    new Alarm(this, id, {
      ...{ alarmDescription, metric, threshold, evaluationPeriods, datapointsToAlarm },
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(...this.#actions);
  }
}
