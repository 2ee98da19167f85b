import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";

export interface HeartbeatScheduleProps {
  /** Pings and reaps; told every minute. */
  readonly heart: LambdaFunction;
}

/** The heartbeat: EventBridge Scheduler invokes the sweep for every minute, which is as often as it can. */
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
      scheduleExpression: "cron(* * * * ? *)",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: heart.functionArn,
        roleArn: role.roleArn,
        // It comes up to a minute late, or again: whose turn it is must not depend on when it comes.
        input: JSON.stringify({ scheduledTime: "<aws.scheduler.scheduled-time>" }),
        retryPolicy: { maximumRetryAttempts: 5, maximumEventAgeInSeconds: 60 },
      },
    });
  }
}
