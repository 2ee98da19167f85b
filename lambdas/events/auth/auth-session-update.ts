import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { userRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Tells the user's other sockets, of those whose token grants the project, how the session has changed. */
export const authSessionUpdate = defineEvent({
  name: "auth:session:update",
  payload: z.object({ projectId: Id, sessionData: z.unknown() }),
  access: projectMember,

  async handle({ payload: { sessionData }, projectId, socket, timestamp }) {
    socket
      .to(userRoom(socket.userId))
      .granted(projectId)
      .emit("session:updated", { projectId, sessionData, timestamp });
  },
});
