import { integrationExecute } from "./integration-execute.ts";
import { integrationJoin } from "./integration-join.ts";
import { integrationLeave } from "./integration-leave.ts";
import { integrationStatus } from "./integration-status.ts";
import { integrationTest } from "./integration-test.ts";
import { integrationWebhookSubscribe } from "./integration-webhook-subscribe.ts";
import { integrationWebhookUnsubscribe } from "./integration-webhook-unsubscribe.ts";

/** Back ends of others, called and heard of through this server. */
export const integrationEvents = [
  integrationJoin,
  integrationLeave,
  integrationExecute,
  integrationTest,
  integrationStatus,
  integrationWebhookSubscribe,
  integrationWebhookUnsubscribe,
] as const;
