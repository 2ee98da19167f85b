import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Context } from "aws-lambda";
import type { Metric, Telemetry } from "#server/model/telemetry.ts";

/** Milliseconds for which counts are gathered before they are written: a line costs more than a frame. */
const PERIOD = Number(process.env.METRICS_PERIOD ?? 0);

/** What an alarm watches is written at the end of its invocation. */
const URGENT: ReadonlySet<Metric> = new Set(["PostsFailed", "Management5xx", "SweepFailures"]);

const logger = new Logger();
const metrics = new Metrics();

/** What was counted and not written yet: of each metric, by each dimension that it has. */
const totals = new Map<string, Total>();
let writtenAt = Date.now();
let isUrgent = false;

interface Total {
  readonly metric: Metric;
  readonly dimension: Readonly<Record<string, string>>;
  value: number;
}

/** One JSON line for each thing noted, and metrics in CloudWatch's embedded format. */
export const telemetry: Telemetry = {
  note: (message, details) => logger.info(message, { ...details }),
  fail(message, error, details = {}) {
    isUrgent = true;
    logger.error(message, { ...details, error });
  },
  about: (details) => logger.appendKeys({ ...details }),
  count(metric, value = 1, dimensions) {
    isUrgent ||= value > 0 && URGENT.has(metric);
    if (dimensions !== undefined)
      for (const [name, of] of Object.entries(dimensions)) add(metric, value, { [name]: of });
    else if (metric === "FanOutDuration") metrics.addMetric(metric, MetricUnit.Milliseconds, value);
    else if (metric === "FanOut") metrics.addMetric(metric, MetricUnit.Count, value);
    else add(metric, value, {});
  },
};

function add(metric: Metric, value: number, dimension: Total["dimension"]): void {
  const key = JSON.stringify([metric, dimension]);
  const total = totals.get(key) ?? { metric, dimension, value: 0 };
  total.value += value;
  totals.set(key, total);
}

let endsAt = 0;

/** Milliseconds until the invocation that runs is ended. */
export const remainingTime = (): number => endsAt - Date.now();

/** Runs an invocation: its lines carry its request id, and what was counted is written in time. */
export async function observe<Result>(
  context: Context,
  work: () => Promise<Result>,
): Promise<Result> {
  logger.addContext(context);
  endsAt = Date.now() + (context.getRemainingTimeInMillis?.() ?? 0);
  try {
    return await work();
  } finally {
    if (isUrgent || Date.now() - writtenAt >= PERIOD) publishMetrics();
    logger.resetKeys();
  }
}

function publishMetrics(): void {
  writtenAt = Date.now();
  isUrgent = false;
  for (const { metric, dimension, value } of totals.values()) {
    if (value === 0) continue;
    if (Object.keys(dimension).length === 0) metrics.addMetric(metric, MetricUnit.Count, value);
    else metrics.singleMetric().addDimensions(dimension).addMetric(metric, MetricUnit.Count, value);
  }
  totals.clear();
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
