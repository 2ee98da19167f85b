import * as z from "zod/mini";
import { admits } from "#model/chat.ts";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember, stranger } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { chatSummary } from "./chat-summary.ts";

/** Joins a chat and tells the others there; a chat nobody has described is made at its first use. */
export const chatJoin = defineEvent({
  name: "chat:join",
  payload: z.object({ chatId: Id, projectId: Id }),
  access: chatMember,
  reply: "chat:joined",

  async handle({ chat: known, place, isNewChat, socket, chats, timestamp }) {
    const { chatId, projectId } = known;
    const room = chatRoom(projectId, chatId);
    await socket.join(room);
    const isCreated = isNewChat && (await chats.create(place.org, known));
    // Asked again once the socket is listed: a change of the members finds it there, or is found here.
    const chat = isCreated ? known : ((await chats.find(place)) ?? known);
    if (!admits(chat, socket.userId)) {
      await socket.leave(room);
      throw stranger(chatId);
    }

    socket.to(room).emit("user:online", { userId: socket.userId, chatId, timestamp });

    return { chatId, projectId, chat: chatSummary(chat) };
  },
});
