import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Leaves a project and tells the others there. */
export const authLogout = defineEvent({
  name: "auth:logout",
  payload: z.object({ projectId: Id }),
  access: projectMember,

  async handle({ projectId, socket, timestamp }) {
    const room = projectRoom(projectId);
    await socket.leave(room);

    socket.to(room).emit("user:offline", { userId: socket.userId, projectId, timestamp });
  },
});
