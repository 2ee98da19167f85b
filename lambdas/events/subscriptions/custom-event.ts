import { looseObject } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { projectRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Sends the others in a project whatever the payload holds. */
export const customEvent = defineEvent({
  name: "custom:event",
  payload: looseObject({ projectId: Id }),
  access: projectMember,

  async handle({ payload, projectId, socket, timestamp }) {
    socket
      .to(projectRoom(projectId))
      .emit("custom:event", { ...payload, sender: socket.userId, timestamp });
  },
});
