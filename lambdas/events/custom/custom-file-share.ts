import * as z from "zod/mini";
import { Text, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { projectRoom, userRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Users a file may be shared with by name (contract 2.8). */
const MOST_RECIPIENTS = 100;

/** Tells some users, on their sockets whose token grants the project, or else the others in it, of a file. */
export const customFileShare = defineEvent({
  name: "custom:file:share",
  payload: z.object({
    projectId: Id,
    fileId: Id,
    fileName: Text.check(z.minLength(1), z.maxLength(255)),
    recipients: withDefault(z.array(Id).check(z.maxLength(MOST_RECIPIENTS)), []),
  }),
  access: projectMember,

  async handle({ payload, projectId, socket, server, timestamp }) {
    const { fileId, fileName, recipients } = payload;
    const audience =
      recipients.length === 0
        ? socket.to(projectRoom(projectId))
        : server.to(recipients.map(userRoom)).granted(projectId);

    audience.emit("custom:file:shared", {
      projectId,
      fileId,
      fileName,
      sharedBy: socket.userId,
      timestamp,
    });
  },
});
