import type { Logger } from "@aws-lambda-powertools/logger";
import type { Metrics } from "@aws-lambda-powertools/metrics";
import type { Context } from "aws-lambda";
import type { Metric, Telemetry } from "#server/model/telemetry.ts";

/** Milliseconds for which counts are gathered before they are written: a line costs more than a frame. */
const PERIOD = Number(process.env.METRICS_PERIOD ?? 0);

/** What an alarm watches is written at the end of its invocation. */
const URGENT: ReadonlySet<Metric> = new Set(["PostsFailed", "Management5xx", "SweepFailures"]);

/** Lines that wait for Powertools, which is loaded with the first one: most invocations write none. */
const waiting: ((logger: Logger) => void)[] = [];
let loading: Promise<void> | undefined;
let logger: Logger | undefined;

let context: Context | undefined;
let invocations = 0;
/** What every line of this invocation says. */
let keys: object = {};

/** What was counted and not written yet: of each metric, by each dimension that it has. */
const totals = new Map<string, Total>();
let metrics: Metrics | undefined;
let writtenAt = Date.now();
let isUrgent = false;

/** Powertools writes a line once it has as many of one metric; there are two. */
const MOST_SAMPLES = 200;

/** Of each run of a fan-out, which are not added up. */
let samples: { readonly metric: "FanOut" | "FanOutDuration"; readonly value: number }[] = [];

interface Total {
  readonly metric: Metric;
  readonly dimension: Readonly<Record<string, string>>;
  value: number;
}

/** One JSON line for each thing noted, and metrics in CloudWatch's embedded format. */
export const telemetry: Telemetry = {
  note(message, details) {
    const extra = { ...keys, ...details };
    write((to) => to.info(message, extra));
  },
  fail(message, error, details = {}) {
    isUrgent = true;
    const extra = { ...keys, ...details, error };
    write((to) => to.error(message, extra));
  },
  about(details) {
    keys = { ...keys, ...details };
  },
  count(metric, value = 1, dimensions) {
    isUrgent ||= value > 0 && URGENT.has(metric);
    if (dimensions !== undefined)
      for (const [name, of] of Object.entries(dimensions)) add(metric, value, { [name]: of });
    else if (metric === "FanOut" || metric === "FanOutDuration") samples.push({ metric, value });
    else add(metric, value, {});
  },
};

function write(line: (logger: Logger) => void): void {
  if (logger === undefined) {
    waiting.push(line);
    loading ??= load();
  } else line(logger);
}

async function load(): Promise<void> {
  const powertools = await import("@aws-lambda-powertools/logger");
  logger = new powertools.Logger();
  // It takes the first one that it is told of for a cold start.
  if (context !== undefined && invocations > 1) logger.addContext(context);
  if (context !== undefined) logger.addContext(context);
  for (const line of waiting.splice(0)) line(logger);
}

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
  invocation: Context,
  work: () => Promise<Result>,
): Promise<Result> {
  context = invocation;
  invocations += 1;
  logger?.addContext(invocation);
  endsAt = Date.now() + (invocation.getRemainingTimeInMillis?.() ?? 0);
  try {
    return await work();
  } finally {
    if (isUrgent || Date.now() - writtenAt >= PERIOD) await publishMetrics();
    else if (samples.length >= MOST_SAMPLES) await writeSamples();
    await loading;
    keys = {};
  }
}

/** Hands the samples to Powertools, and gives what writes them. */
async function writeSamples() {
  const powertools = await import("@aws-lambda-powertools/metrics");
  const { Count, Milliseconds } = powertools.MetricUnit;
  metrics ??= new powertools.Metrics();
  for (const { metric, value } of samples)
    metrics.addMetric(metric, metric === "FanOutDuration" ? Milliseconds : Count, value);
  samples = [];
  return { metrics, Count };
}

async function publishMetrics(): Promise<void> {
  writtenAt = Date.now();
  isUrgent = false;
  const { metrics, Count } = await writeSamples();
  for (const { metric, dimension, value } of totals.values()) {
    if (value === 0) continue;
    if (Object.keys(dimension).length === 0) metrics.addMetric(metric, Count, value);
    else metrics.singleMetric().addDimensions(dimension).addMetric(metric, Count, value);
  }
  totals.clear();
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
