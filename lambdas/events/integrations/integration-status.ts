import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { integrationUser } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Tells whether an integration is active, and how much it was used. */
export const integrationStatus = defineEvent({
  name: "integration:status",
  payload: z.object({ projectId: Id, integrationId: Id }),
  access: integrationUser,
  reply: "integration:status:response",

  async handle({ payload: { integrationId }, integration, projectId, timestamp, ...context }) {
    const { org } = context.socket.identity;
    const usage = await context.integrations.usage({ org, projectId, integrationId });

    const { isActive, rateLimit } = integration;
    const { lastUsed } = usage;
    return { integrationId, status: { isActive, usage, rateLimit, lastUsed }, timestamp };
  },
});
