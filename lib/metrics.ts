import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";

/** Where CloudWatch finds what the functions count, of each deployment by its `service`. */
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

/** The requests that are counted where they fail. */
export const FAILED_ROUTES = ["$connect", "opening", "$default", "$disconnect", "webhook"] as const;

/** What the functions have thrown, all together, by the minute. */
export const errorsOf = (functions: readonly LambdaFunction[]): MathExpression =>
  sumOf(
    "errors",
    functions.map((one) => one.metricErrors({ period: MINUTE })),
  );

/** How often Lambda had no room for them. */
export const throttlesOf = (functions: readonly LambdaFunction[]): MathExpression =>
  sumOf(
    "throttles",
    functions.map((one) => one.metricThrottles({ period: MINUTE })),
  );

/** Asynchronous invocations that Lambda gave up: too old, or failed for the last time. */
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

/** A metric in a sum: where it has no value, as that of a function nobody calls, the sum would have none. */
export const filled = (name: string): string => `FILL(${name}, 0)`;
