import type { Context } from "aws-lambda";
import type { AnyLeanApp } from "#server/app.ts";
import { createParts } from "#server/pipeline/parts.ts";
import { createReport } from "#server/pipeline/report.ts";
import { createSender } from "#server/pipeline/send.ts";
import { createSweep, type ShardRange } from "#server/pipeline/sweep.ts";
import { observe } from "#server/telemetry.ts";

/** The scheduler's call: the minute that it is for, in ISO 8601, whenever it comes. */
interface Tick {
  readonly scheduledTime: string;
}

/** The scheduler's call, for every minute, and this function's own: the part of a shard to sweep. */
export function heartbeatHandler(app: AnyLeanApp) {
  const parts = createParts(app);
  const sender = createSender(parts);
  const { begin, sweep } = createSweep(parts, sender);
  const report = createReport(parts, sender);

  return (event: Tick | ShardRange, context: Context): Promise<void> =>
    observe(context, () =>
      "shard" in event
        ? sweep(event).finally(report)
        : begin(timeOf(event)).finally(() => report(true)),
    );
}

function timeOf({ scheduledTime }: Tick): number {
  const time = Date.parse(scheduledTime);
  if (Number.isNaN(time))
    throw new Error(`scheduledTime must be a time in ISO 8601, not ${scheduledTime}`);
  return time;
}
