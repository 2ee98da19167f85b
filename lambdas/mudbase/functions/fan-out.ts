import { core } from "#mudbase/lifecycle.ts";
import { createMatching } from "#mudbase/matching.ts";
import { fanOutHandler } from "#server/functions/fan-out.ts";

export const handler = fanOutHandler({ ...core, matching: createMatching });
