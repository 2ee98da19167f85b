import * as z from "zod/mini";
import { Text } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { refuseLargeContent } from "./content.ts";
import { full, refuseFault } from "./message-fault.ts";

/** Changes the content of a message, which only its author may; the room hears of it. */
export const messageEdit = defineEvent({
  name: "message:edit",
  payload: z.object({
    chatId: Id,
    projectId: Id,
    messageId: Id,
    content: Text.check(z.minLength(1)),
  }),
  access: chatMember,

  async handle({ payload, chat, place, socket, server, messages, limits, timestamp: editedAt }) {
    const { chatId, messageId, content } = payload;
    refuseLargeContent(content, limits);
    const change = { by: socket.userId, content, editedAt };
    const result = await messages.edit(place, messageId, change);
    if (result === "full") throw full(messageId);
    refuseFault(result, messageId);

    server
      .to(chatRoom(chat.projectId, chatId))
      .emit("message:edited", { chatId, messageId, content, editedAt });
  },
});
