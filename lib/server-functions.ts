import type { Construct } from "constructs";
import type { Heartbeat } from "../lambdas/server/model/limits.ts";
import type { BundleProps } from "./bundle.ts";
import { DEFAULTS } from "./defaults.ts";
import { type EntryFiles, entriesOf } from "./entries.ts";
import { FanOut } from "./fan-out.ts";
import { HeartbeatSchedule } from "./heartbeat-schedule.ts";
import { LambdaFunction, type Operation } from "./lambda-function.ts";
import { MINUTE } from "./metrics.ts";
import { SelfInvocation } from "./self-invocation.ts";
import type { SocketIoServerProps } from "./server-props.ts";

/** The functions of a server, with what invokes them asynchronously. */
export function serverFunctions(
  scope: Construct,
  props: SocketIoServerProps,
  operation: Operation,
  pings: Heartbeat,
  polls: boolean,
) {
  const entries =
    "app" in props ? entriesOf(props.app, props.admin !== undefined) : props.functions;
  const { environment } = props;
  const HEARTBEAT = JSON.stringify(pings);
  const connecting = {
    ...environment,
    HEARTBEAT,
    METRICS_PERIOD: String(MINUTE.toMilliseconds()),
    ALLOWED_ORIGINS: JSON.stringify(props.allowedOrigins ?? []),
  };

  const socket = new LambdaFunction(scope, "Socket", {
    ...{ entry: entries.socket, operation },
    concurrency: props.socketConcurrency,
    lateModules: props.lateModules,
    environment: connecting,
  });
  const publish = new LambdaFunction(scope, "Publish", {
    ...{ entry: entries.publish, operation, environment },
  });
  const heartbeat = new LambdaFunction(scope, "Heartbeat", {
    ...{ entry: entries.heartbeat, operation },
    concurrency: props.heartbeatConcurrency,
    environment: { ...environment, HEARTBEAT },
  });
  const fanOut = new FanOut(scope, "FanOut", {
    ...{ entry: entries.fanOut, operation, environment },
  });
  // After a retry, a minute later, the client has given up.
  new SelfInvocation(scope, "Open", { invoker: socket, retryAttempts: 0 });
  // A ping that is a minute late still keeps its connection.
  new SelfInvocation(scope, "Sweeping", { invoker: heartbeat, retryAttempts: 1 });
  new HeartbeatSchedule(scope, "Schedule", { heartbeat });
  const polling = polls ? pollingFunction(scope, props, operation, entries, connecting) : undefined;
  return { socket, publish, heartbeat, fanOut, polling };
}

/** Serves long polling: runs events as the socket function does, and waits for packets. */
function pollingFunction(
  scope: Construct,
  props: SocketIoServerProps,
  operation: Operation,
  entries: Readonly<Record<keyof EntryFiles, BundleProps["entry"]>>,
  environment: Readonly<Record<string, string>>,
): LambdaFunction {
  const concurrency = props.pollingConcurrency;
  return new LambdaFunction(scope, "Polling", {
    ...{ entry: entries.polling, concurrency, lateModules: props.lateModules },
    operation: {
      ...operation,
      memorySize: props.pollingMemorySize ?? DEFAULTS.pollingMemorySize,
    },
    environment: {
      ...environment,
      ...(concurrency !== undefined && { POLLING_CONCURRENCY: String(concurrency) }),
    },
  });
}
