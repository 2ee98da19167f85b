import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { ownChatRooms } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Leaves a chat and tells the others there. */
export const chatLeave = defineEvent({
  name: "chat:leave",
  payload: z.object({ chatId: Id, projectId: optional(Id) }),
  access: ownChatRooms,
  reply: "chat:left",

  async handle({ payload: { chatId }, rooms, socket, timestamp }) {
    const left = await socket.leave(rooms);

    socket.to(left).emit("user:offline", { userId: socket.userId, chatId, timestamp });

    return { chatId };
  },
});
