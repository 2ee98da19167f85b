import { core } from "#mudbase/lifecycle.ts";
import { watched } from "#server/admin/watch.ts";
import { heartbeatHandler } from "#server/functions/heartbeat.ts";

export const handler = heartbeatHandler(watched(core));
