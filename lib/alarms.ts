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
import type { ITopic } from "aws-cdk-lib/aws-sns";
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
import type { SocketIoServer } from "./socket-io-server.ts";

/** What `addAlarms` takes. */
export interface AlarmsOptions {
  /** Other functions of the application, watched together with the server's own. Default: none. */
  readonly functions?: readonly LambdaFunction[];
  /** Where alarms are sent. Default: nowhere. */
  readonly topic?: ITopic | undefined;
}

/** The same, and what is watched. */
export interface AlarmsProps extends AlarmsOptions {
  readonly server: SocketIoServer;
}

/** When an alarm goes off: if so many of its periods had a value above the threshold. */
interface Sensitivity {
  readonly threshold?: number;
  readonly evaluationPeriods?: number;
  readonly datapointsToAlarm?: number;
}

const FIVE_MINUTES = Duration.minutes(5);
const TWO_MINUTES = Duration.minutes(2);

/** More than ten in five minutes: single ones are retried, and nobody notices. */
const REPEATEDLY: Sensitivity = { threshold: 10, evaluationPeriods: 1 };

/** The alarms of a server; `docs/operations.md` says what to do about each. */
export class Alarms extends Construct {
  readonly #actions: readonly SnsAction[];

  constructor(scope: Construct, id: string, { server, functions = [], topic }: AlarmsProps) {
    super(scope, id);
    this.#actions = topic === undefined ? [] : [new SnsAction(topic)];

    this.#watchFunctions([...server.functions, ...functions]);
    this.#watchGateway(server);
    this.#watchRequests(server);
    this.#watchHeartbeat(server);
  }

  /** Goes off at the first value in any of five minutes, because some metrics are late; no value is no alarm. */
  add(
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

  #watchFunctions(functions: readonly LambdaFunction[]): void {
    this.add("FunctionErrors", errorsOf(functions), "a function failed");
    this.add("FunctionThrottles", throttlesOf(functions), "Lambda throttled a function");
    this.add(
      "AsyncEventsDropped",
      droppedOf(functions),
      "Lambda dropped an asynchronous invocation: of a handshake, a broadcast, a sweep or a publication",
    );
  }

  #watchGateway({ gateway, operation: { service } }: SocketIoServer): void {
    this.add(
      "PostsFailed",
      counted(service, "PostsFailed"),
      "the management API failed after all retries",
    );
    this.add(
      "Management5xx",
      counted(service, "Management5xx").with({ period: FIVE_MINUTES }),
      "the management API fails repeatedly, and packets are late",
      REPEATEDLY,
    );
    this.add(
      "ExecutionErrors",
      gateway.count("ExecutionError", MINUTE),
      "API Gateway could not invoke the socket function",
    );
    // Upgrades that are refused may be among them, which are no fault of the server.
    this.add(
      "IntegrationErrors",
      gateway.count("IntegrationError", FIVE_MINUTES),
      "the socket function answers API Gateway with errors repeatedly",
      REPEATEDLY,
    );
  }

  #watchRequests({ deadLetters, polling, operation: { service } }: SocketIoServer): void {
    const failed = (route: (typeof FAILED_ROUTES)[number]) =>
      counted(service, "RequestsFailed", { route });
    this.add("ConnectsFailed", failed("$connect"), "an upgrade was answered 500");
    this.add("OpenFailed", failed("open"), "a client connected and got no OPEN packet");
    this.add("FramesFailed", failed("$default"), "a frame failed with an internal error");
    if (polling !== undefined)
      this.add(
        "PollsFailed",
        failed("polling"),
        "a request of long polling, or what it brought, failed",
      );
    this.add(
      "InternalRefusals",
      counted(service, "Events", { outcome: "internal" }),
      "an event failed with an internal error",
    );
    this.add(
      "FanOutsFailed",
      counted(service, "FanOutsFailed"),
      "packets were not delivered to a part of a large room",
    );
    this.add(
      "DeadLetters",
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
      "an entry could not be published",
    );
  }

  #watchHeartbeat({ heartbeat, gateway, operation: { service } }: SocketIoServer): void {
    this.add("SweepFailures", counted(service, "SweepFailures"), "a connection could not be swept");
    // No sweep alone would also be an alarm before the first one of a deployment.
    const usingMetrics = {
      sweeps: heartbeat.metricInvocations({ period: TWO_MINUTES }),
      connects: gateway.count("ConnectCount", TWO_MINUTES),
      messages: gateway.count("MessageCount", TWO_MINUTES),
    };
    const isInUse = `(${filled("connects")} + ${filled("messages")} > 0)`;
    const isUnswept = `(${filled("sweeps")} == 0)`;
    this.add(
      "SweepOverdue",
      new MathExpression({
        ...{ expression: `${isInUse} * ${isUnswept}`, usingMetrics },
        ...{ label: "no sweep", period: TWO_MINUTES },
      }),
      "no sweep while clients are connected: dead connections stay, live ones get no ping",
      { evaluationPeriods: 10, datapointsToAlarm: 2 },
    );
  }
}
