import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { webhookRoom } from "#model/room.ts";
import { integrationUser } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Subscribes to the webhooks of an integration. */
export const integrationWebhookSubscribe = defineEvent({
  name: "integration:webhook:subscribe",
  payload: z.object({ projectId: Id, integrationId: Id }),
  access: integrationUser,
  reply: "integration:webhook:subscribed",

  async handle({ payload: { integrationId }, projectId, socket }) {
    await socket.join(webhookRoom(projectId, integrationId));

    return { integrationId, projectId };
  },
});
