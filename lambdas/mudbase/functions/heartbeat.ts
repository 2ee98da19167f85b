import { core } from "#mudbase/lifecycle.ts";
import { heartbeatHandler } from "#server/functions/heartbeat.ts";

export const handler = heartbeatHandler(core);
