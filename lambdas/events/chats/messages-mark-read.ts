import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { failAfter } from "../fail-after.ts";
import { notFound } from "./message-fault.ts";

/** Messages that may be marked at once (contract 2.8). */
const MOST = 100;

/** Marks messages as read by this user; the room hears of those that were not before. */
export const messagesMarkRead = defineEvent({
  name: "messages:mark:read",
  payload: z.object({
    chatId: Id,
    projectId: Id,
    messageIds: z.array(Id).check(z.minLength(1), z.maxLength(MOST)),
  }),
  access: chatMember,

  async handle({ payload, chat, place, socket, server, messages, flush, timestamp }) {
    const { chatId, messageIds } = payload;
    const { userId } = socket;
    const marked = await messages.markRead(place, messageIds, userId);
    if (marked === "not_found") throw notFound("messageIds: names a message that is not there");

    if (marked.done.length > 0)
      server
        .to(chatRoom(chat.projectId, chatId))
        .emit("messages:read", { chatId, messageIds: marked.done, readBy: userId, timestamp });
    await failAfter(flush, marked);
  },
});
