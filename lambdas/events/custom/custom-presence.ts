import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Tells the others in a project a status of the client's own. */
export const customPresence = defineEvent({
  name: "custom:presence",
  payload: z.object({ projectId: Id, status: Id, metadata: optional(z.unknown()) }),
  access: projectMember,

  async handle({ payload: { status, metadata }, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .emit("custom:presence", { userId: socket.userId, status, metadata, timestamp });
  },
});
