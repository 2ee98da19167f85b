import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";

export interface HeartbeatScheduleProps {
  /** Pings and sweeps. */
  readonly heartbeat: LambdaFunction;
}

/** EventBridge Scheduler invokes the heartbeat for every minute, which is as often as it can. */
export class HeartbeatSchedule extends Construct {
  constructor(scope: Construct, id: string, { heartbeat }: HeartbeatScheduleProps) {
    super(scope, id);

    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["lambda:InvokeFunction"],
        resources: [heartbeat.functionArn],
      }),
    );
    new CfnSchedule(this, "EveryMinute", {
      scheduleExpression: "cron(* * * * ? *)",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: heartbeat.functionArn,
        roleArn: role.roleArn,
        // An invocation is up to a minute late, or repeated: which shards are due must not depend on its time.
        input: JSON.stringify({ scheduledTime: "<aws.scheduler.scheduled-time>" }),
        retryPolicy: { maximumRetryAttempts: 5, maximumEventAgeInSeconds: 60 },
      },
    });
  }
}
