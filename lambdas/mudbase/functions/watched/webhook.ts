import { publishing } from "#mudbase/publishing.ts";
import { webhookHandler } from "#mudbase/webhook-handler.ts";
import { watched } from "#server/admin/watch.ts";

export const handler = webhookHandler(watched(publishing));
