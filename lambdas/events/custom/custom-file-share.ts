import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { projectRoom, userRoom } from "#model/room.ts";
import { projectMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Users a file may be shared with by name (contract 2.8). */
const MOST_RECIPIENTS = 100;

/** Tells some users of the organisation, or else the others in the project, of a file. */
export const customFileShare = defineEvent({
  name: "custom:file:share",
  payload: z.object({
    projectId: Id,
    fileId: Id,
    fileName: z.string().check(z.minLength(1), z.maxLength(255)),
    recipients: z.optional(z.array(Id).check(z.minLength(1), z.maxLength(MOST_RECIPIENTS))),
  }),
  access: projectMember,

  async handle({ payload, projectId, socket, server, timestamp }) {
    const { fileId, fileName, recipients } = payload;
    const audience =
      recipients === undefined
        ? socket.to(projectRoom(projectId))
        : server.to(recipients.map(userRoom));

    audience.emit("custom:file:shared", {
      projectId,
      fileId,
      fileName,
      sharedBy: socket.userId,
      timestamp,
    });
  },
});
