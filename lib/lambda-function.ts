import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Function as AnyFunction,
  Architecture,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { type BundleProps, bundled } from "./bundle.ts";
import { NAMESPACE } from "./metrics.ts";

/** How the functions of a deployment are run, all alike. */
export interface Operation {
  /** The dimension that tells the metrics of two deployments apart. */
  readonly service: string;
  /** MiB. */
  readonly memorySize: number;
  /** Days for which logs are kept. */
  readonly logRetention: RetentionDays;
  /** Whether X-Ray traces invocations. */
  readonly tracing: boolean;
}

export interface LambdaFunctionProps extends BundleProps {
  readonly operation: Operation;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Executions reserved for it, which is also its maximum. Default: none are reserved. */
  readonly concurrency?: number | undefined;
}

/** Where functions invoke functions. */
export function lambdaEndpointOf(scope: Construct): string {
  const { region, urlSuffix } = Stack.of(scope);
  return `https://lambda.${region}.${urlSuffix}`;
}

/** A small ESM bundle on ARM64, whose role may do nothing but write its own log. */
export class LambdaFunction extends AnyFunction {
  constructor(
    scope: Construct,
    id: string,
    { operation, environment, concurrency, ...code }: LambdaFunctionProps,
  ) {
    const logGroup = new LogGroup(scope, `${id}Log`, {
      retention: operation.logRetention,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const role = new Role(scope, `${id}Role`, {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    super(scope, id, {
      code: bundled(code),
      handler: "index.handler",
      role,
      logGroup,
      memorySize: operation.memorySize,
      ...(concurrency !== undefined && { reservedConcurrentExecutions: concurrency }),
      tracing: operation.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      loggingFormat: LoggingFormat.JSON,
      // Two more lines of Lambda for each frame would cost more than the frame.
      systemLogLevelV2: SystemLogLevel.WARN,
      architecture: Architecture.ARM_64,
      runtime: Runtime.NODEJS_24_X,
      // API Gateway waits 29 s for an integration.
      timeout: Duration.seconds(29),
      environment: {
        ...environment,
        AWS_ENDPOINT_URL_LAMBDA: lambdaEndpointOf(scope),
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: operation.service,
        POWERTOOLS_METRICS_NAMESPACE: NAMESPACE,
      },
    });
  }
}
