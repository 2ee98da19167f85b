import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { userRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { requireInvited } from "./participants.ts";

/** Rejects a call this user was invited to; the caller hears of it. */
export const callReject = defineEvent({
  name: "call:reject",
  payload: z.object({ chatId: Id, projectId: optional(Id), callerId: Id }),
  access: chatMember,

  async handle({ payload: { callerId }, chat, place, socket, server, calls, timestamp }) {
    const { chatId, projectId } = chat;
    const { userId: rejectedBy } = socket;
    requireInvited(await calls.find(place, callerId), callerId, rejectedBy);

    server
      .to(userRoom(callerId))
      .granted(projectId)
      .emit("call:rejected", { chatId, rejectedBy, timestamp });
  },
});
