import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Tells the others in a chat that the user has stopped typing. */
export const chatTypingStop = defineEvent({
  name: "chat:typing:stop",
  payload: z.object({ chatId: Id, projectId: optional(Id) }),
  access: chatMember,

  async handle({ chat: { projectId, chatId }, socket }) {
    socket
      .to(chatRoom(projectId, chatId))
      .emit("user:typing:stop", { userId: socket.userId, chatId });
  },
});
