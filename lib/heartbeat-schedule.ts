import { Duration } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";

export interface HeartbeatScheduleProps {
  /** Pings and reaps; told every minute. */
  readonly heart: LambdaFunction;
}

/** The heartbeat: EventBridge Scheduler invokes the sweep every minute, as often as it can. */
export class HeartbeatSchedule extends Construct {
  constructor(scope: Construct, id: string, { heart }: HeartbeatScheduleProps) {
    super(scope, id);

    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [heart.functionArn] }),
    );
    new CfnSchedule(this, "EveryMinute", {
      scheduleExpression: "rate(1 minute)",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: heart.functionArn,
        roleArn: role.roleArn,
        input: "{}",
        // A minute later the next one comes anyway.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
    heart.configureAsyncInvoke({ retryAttempts: 1, maxEventAge: Duration.minutes(2) });
  }
}
