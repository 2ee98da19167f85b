import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Joins a project and tells the others there. */
export const authLogin = defineEvent({
  name: "auth:login",
  payload: z.object({ projectId: Id }),
  access: projectMember,

  async handle({ projectId, socket, timestamp }) {
    const room = projectRoom(projectId);
    await socket.join(room);

    socket.to(room).emit("user:online", { userId: socket.userId, projectId, timestamp });
  },
});
