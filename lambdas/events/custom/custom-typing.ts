import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Tells the others in a project that the user types, or has stopped. */
export const customTyping = defineEvent({
  name: "custom:typing",
  payload: z.object({ projectId: Id, isTyping: z.boolean(), context: optional(z.unknown()) }),
  access: projectMember,

  async handle({ payload: { isTyping, context }, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .emit("custom:typing", { userId: socket.userId, isTyping, context, timestamp });
  },
});
