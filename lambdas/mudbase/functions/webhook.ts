import { publishing } from "#mudbase/publishing.ts";
import { webhookHandler } from "#mudbase/webhook-handler.ts";

export const handler = webhookHandler(publishing);
