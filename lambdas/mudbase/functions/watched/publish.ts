import { publishing } from "#mudbase/publishing.ts";
import { watched } from "#server/admin/watch.ts";
import { publishHandler } from "#server/functions/publish.ts";

export const handler = publishHandler(watched(publishing));
