import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { ownIntegrationRooms } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Follows an integration no longer. */
export const integrationLeave = defineEvent({
  name: "integration:leave",
  payload: z.object({ integrationId: Id, projectId: optional(Id) }),
  access: ownIntegrationRooms,
  reply: "integration:left",

  async handle({ payload: { integrationId }, rooms, socket }) {
    await socket.leave(rooms);

    return { integrationId };
  },
});
