import type { Context } from "aws-lambda";
import { readHeartbeatEnvironment } from "#server/runtime.ts";
import { createSockets } from "#server/sockets.ts";
import { createSweep, type Slice } from "#server/sweep.ts";
import { observe } from "#server/telemetry.ts";

const environment = readHeartbeatEnvironment(process.env);
const { beat, sweep } = createSweep({ ...environment, sockets: createSockets(environment) });

/** The scheduler's call: the minute that it is for, in ISO 8601, whenever it comes. */
interface Beat {
  readonly scheduledTime: string;
}

/** The scheduler's call, for every minute, and this function's own: the slice to sweep. */
export const handler = (event: Beat | Slice, context: Context): Promise<void> =>
  observe(context, () => ("shard" in event ? sweep(event) : beat(timeOf(event))));

function timeOf({ scheduledTime }: Beat): number {
  const time = Date.parse(scheduledTime);
  if (Number.isNaN(time))
    throw new Error(`scheduledTime must be a time in ISO 8601, not ${scheduledTime}`);
  return time;
}
