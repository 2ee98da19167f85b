import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { ownWebhookRooms } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Ends the subscription to the webhooks of an integration. */
export const integrationWebhookUnsubscribe = defineEvent({
  name: "integration:webhook:unsubscribe",
  payload: z.object({ integrationId: Id, projectId: optional(Id) }),
  access: ownWebhookRooms,
  reply: "integration:webhook:unsubscribed",

  async handle({ payload: { integrationId }, rooms, socket }) {
    await socket.leave(rooms);

    return { integrationId };
  },
});
