import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { integrationRoom } from "#model/room.ts";
import { integrationUser } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Follows what others do with an integration. */
export const integrationJoin = defineEvent({
  name: "integration:join",
  payload: z.object({ projectId: Id, integrationId: Id }),
  access: integrationUser,
  reply: "integration:joined",

  async handle({ payload: { integrationId }, projectId, socket }) {
    await socket.join(integrationRoom(projectId, integrationId));

    return { integrationId, projectId, room: `integration:${integrationId}` };
  },
});
