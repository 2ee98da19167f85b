import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Context } from "aws-lambda";
import type { Metric, Telemetry } from "#model/telemetry.ts";

const logger = new Logger();
const metrics = new Metrics();

/** What this invocation counted so far of what is summed up. */
const totals = new Map<Metric, number>();

/** One JSON line for each thing noted, and metrics in CloudWatch's embedded format. */
export const telemetry: Telemetry = {
  note: (message, details) => logger.info(message, { ...details }),
  fail: (message, error, details = {}) => logger.error(message, { ...details, error }),
  about: (details) => logger.appendKeys({ ...details }),
  count(metric, value = 1, dimensions) {
    if (dimensions !== undefined)
      metrics.singleMetric().addDimensions(dimensions).addMetric(metric, MetricUnit.Count, value);
    else if (metric === "FanOutDuration") metrics.addMetric(metric, MetricUnit.Milliseconds, value);
    else if (metric === "FanOut") metrics.addMetric(metric, MetricUnit.Count, value);
    else totals.set(metric, (totals.get(metric) ?? 0) + value);
  },
};

/** Runs an invocation: its lines carry its request id, and what it counted is written at its end. */
export async function observe<Result>(
  context: Context,
  work: () => Promise<Result>,
): Promise<Result> {
  logger.addContext(context);
  try {
    return await work();
  } finally {
    publishMetrics();
    logger.resetKeys();
  }
}

function publishMetrics(): void {
  for (const [metric, total] of totals)
    if (total > 0) metrics.addMetric(metric, MetricUnit.Count, total);
  totals.clear();
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
