import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";

/** CloudWatch's namespace of what the functions count; the dimension `service` tells deployments apart. */
export const NAMESPACE = "ServerlessSocketIo";

export const MINUTE = Duration.minutes(1);

/** A metric that the functions of a deployment write, by the minute. */
export const counted = (
  service: string,
  metricName: string,
  dimensions: Readonly<Record<string, string>> = {},
): Metric =>
  new Metric({
    ...{ namespace: NAMESPACE, metricName, statistic: "Sum", period: MINUTE },
    dimensionsMap: { service, ...dimensions },
  });

/** The values of the dimension `route` that the socket function counts failed requests by. */
export const FAILED_ROUTES = ["$connect", "open", "$default", "$disconnect", "polling"] as const;

/** Errors of the functions, all together, by the minute. */
export const errorsOf = (functions: readonly LambdaFunction[]): MathExpression =>
  sumOf(
    "errors",
    functions.map((one) => one.metricErrors({ period: MINUTE })),
  );

/** How often Lambda throttled them. */
export const throttlesOf = (functions: readonly LambdaFunction[]): MathExpression =>
  sumOf(
    "throttles",
    functions.map((one) => one.metricThrottles({ period: MINUTE })),
  );

/** Asynchronous invocations that Lambda dropped: too old, or failed for the last time. */
export const droppedOf = (functions: readonly LambdaFunction[]): MathExpression =>
  sumOf(
    "dropped",
    functions.map((one) => one.metric("AsyncEventsDropped", { period: MINUTE, statistic: "Sum" })),
  );

/** Metrics added up; `label` also begins their names in the expression. */
export function sumOf(
  label: string,
  metrics: readonly IMetric[],
  period: Duration = MINUTE,
): MathExpression {
  const named = metrics.map((metric, index) => [`${label}${index}`, metric] as const);
  return new MathExpression({
    expression: named.map(([name]) => filled(name)).join(" + "),
    usingMetrics: Object.fromEntries(named),
    label,
    period,
  });
}

/** A metric in a sum: if it had no value, as that of a function that is not invoked, the sum would have none. */
export const filled = (name: string): string => `FILL(${name}, 0)`;
