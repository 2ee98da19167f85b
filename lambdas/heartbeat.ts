import { readHeartbeatEnvironment } from "./environment.ts";
import { createSockets } from "./sockets.ts";
import { createSweep, type Slice } from "./sweep.ts";

const environment = readHeartbeatEnvironment(process.env);
const { beat, sweep } = createSweep({ ...environment, sockets: createSockets(environment) });

/** The scheduler's call, every minute, and this function's own: the slice to sweep. */
export async function handler(event: object): Promise<void> {
  if ("shard" in event) await sweep(event as Slice);
  else await beat();
}
