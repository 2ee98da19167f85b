import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { chatSummary } from "./chat-summary.ts";

/** Joins a chat and tells the others there; a chat nobody has described is made at its first use. */
export const chatJoin = defineEvent({
  name: "chat:join",
  payload: z.object({ chatId: Id, projectId: Id }),
  access: chatMember,
  reply: "chat:joined",

  async handle({ chat, place, isNewChat, socket, chats, timestamp }) {
    const { chatId, projectId } = chat;
    const room = chatRoom(projectId, chatId);
    if (isNewChat) await chats.create(place.org, chat);
    await socket.join(room);

    socket.to(room).emit("user:online", { userId: socket.userId, chatId, timestamp });

    return { chatId, projectId, chat: chatSummary(chat) };
  },
});
