import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { webhookRoom } from "#model/room.ts";
import { definePublication } from "./define-publication.ts";

/** A webhook of an integration has come: its subscribers hear of it. */
export const webhookReceived = definePublication({
  entry: z.object({
    event: z.literal("integration:webhook:received"),
    org: Id,
    projectId: Id,
    integrationId: Id,
    /** What the sender calls it, and what it carries. */
    received: z.object({ event: z.string(), data: z.unknown() }),
  }),

  async handle({ entry: { event, projectId, integrationId, received }, server, timestamp }) {
    server
      .to(webhookRoom(projectId, integrationId))
      .emit(event, { integrationId, ...received, timestamp });
  },
});
