import type { Context } from "aws-lambda";
import { readHeartbeatEnvironment } from "./environment.ts";
import { createSockets } from "./sockets.ts";
import { createSweep, type Slice } from "./sweep.ts";
import { observe } from "./telemetry.ts";

const environment = readHeartbeatEnvironment(process.env);
const { beat, sweep } = createSweep({ ...environment, sockets: createSockets(environment) });

/** The scheduler's call, every minute, and this function's own: the slice to sweep. */
export const handler = (event: object, context: Context): Promise<void> =>
  observe(context, () => ("shard" in event ? sweep(event as Slice) : beat()));
