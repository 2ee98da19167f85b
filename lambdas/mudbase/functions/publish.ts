import { publishing } from "#mudbase/publishing.ts";
import { publishHandler } from "#server/functions/publish.ts";

export const handler = publishHandler(publishing);
