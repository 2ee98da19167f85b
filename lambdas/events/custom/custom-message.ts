import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { userRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Sends a message to every socket of one user of the organisation. */
export const customMessage = defineEvent({
  name: "custom:message",
  payload: z.object({
    targetUserId: Id,
    message: z.unknown(),
    type: optional(Id),
  }),
  access: organisationMember,

  async handle({ payload: { targetUserId, message, type }, socket, server, timestamp }) {
    server
      .to(userRoom(targetUserId))
      .emit("custom:message", { from: socket.userId, message, type, timestamp });
  },
});
