import * as z from "zod/mini";
import { isModerator } from "#model/chat.ts";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { refuseFault } from "./message-fault.ts";

/** Deletes a message, which its author and the chat's moderators may; the room hears of it. */
export const messageDelete = defineEvent({
  name: "message:delete",
  payload: z.object({ chatId: Id, projectId: Id, messageId: Id }),
  access: chatMember,

  async handle({ payload, chat, place, socket, server, messages, timestamp }) {
    const { chatId, messageId } = payload;
    const { userId, identity } = socket;
    const by = { userId, isModerator: isModerator(chat, identity) };
    refuseFault(await messages.remove(place, messageId, by), messageId);

    server
      .to(chatRoom(chat.projectId, chatId))
      .emit("message:deleted", { chatId, messageId, deletedBy: userId, timestamp });
  },
});
