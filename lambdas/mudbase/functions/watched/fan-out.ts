import { core } from "#mudbase/lifecycle.ts";
import { createMatching } from "#mudbase/matching.ts";
import { watched } from "#server/admin/watch.ts";
import { fanOutHandler } from "#server/functions/fan-out.ts";

export const handler = fanOutHandler(watched({ ...core, matching: createMatching }));
