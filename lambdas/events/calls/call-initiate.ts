import * as z from "zod/mini";
import { admits } from "#model/chat.ts";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { userRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { EventError } from "../errors.ts";
import { MOST_PARTICIPANTS } from "./participants.ts";

/** Calls some users of a chat; a call that the caller had there before ends for those it no longer asks for. */
export const callInitiate = defineEvent({
  name: "call:initiate",
  payload: z.object({
    chatId: Id,
    projectId: optional(Id),
    type: z.enum(["audio", "video"]),
    participants: z.array(Id).check(z.minLength(1), z.maxLength(MOST_PARTICIPANTS)),
  }),
  access: chatMember,

  async handle({ payload: { type, ...payload }, chat, place, socket, server, calls, timestamp }) {
    const { userId: callerId } = socket;
    const participants = [...new Set(payload.participants)].filter((id) => id !== callerId);
    const stranger = participants.find((userId) => !admits(chat, userId));
    if (stranger !== undefined)
      throw new EventError("forbidden", `${stranger} is not a member of the chat ${chat.chatId}`);
    const stored = await calls.put(place, { callerId, type, participants });
    if (stored === "full")
      throw new EventError("limit_exceeded", `the chat ${chat.chatId} may hold no more calls`);

    const { chatId, projectId } = chat;
    const dropped = stored.last?.participants.filter((id) => !participants.includes(id)) ?? [];
    if (dropped.length > 0)
      server
        .to(dropped.map(userRoom))
        .granted(projectId)
        .emit("call:ended", { chatId, endedBy: callerId, timestamp });
    server
      .to(participants.map(userRoom))
      .granted(projectId)
      .emit("call:incoming", { chatId, callerId, type, timestamp });
  },
});
