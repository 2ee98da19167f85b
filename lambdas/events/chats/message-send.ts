import * as z from "zod/mini";
import { admits } from "#model/chat.ts";
import { optional, Text, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { chatRoom, userRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { chatSummary } from "./chat-summary.ts";
import { refuseLargeContent } from "./content.ts";

const MOST_MENTIONS = 50;

/** Posts a message to a chat; the room, sender included, hears of it, and so do those it mentions. */
export const messageSend = defineEvent({
  name: "message:send",
  payload: z.object({
    chatId: Id,
    projectId: Id,
    type: z.enum(["text", "image", "file", "audio"]),
    content: Text.check(z.minLength(1)),
    replyTo: optional(Id),
    mentions: withDefault(z.array(Id).check(z.maxLength(MOST_MENTIONS)), []),
    clientMessageId: optional(Id),
  }),
  access: chatMember,
  reply: "message:sent",

  async handle(context) {
    const { payload, chat, place, isNewChat, socket, server, chats, messages, limits } = context;
    const { type, content, replyTo, mentions, clientMessageId } = payload;
    refuseLargeContent(content, limits);
    if (isNewChat) await chats.create(place.org, chat);
    const { message, isNew } = await messages.post(place, {
      id: context.newId(),
      sender: socket.userId,
      createdAt: context.timestamp,
      ...{ type, content, replyTo, mentions, clientMessageId },
    });

    const { id, sender, createdAt } = message;
    if (isNew)
      server
        .to([
          chatRoom(chat.projectId, chat.chatId),
          ...mentions.filter((userId) => admits(chat, userId)).map(userRoom),
        ])
        .granted(chat.projectId)
        .emit("message:new", {
          message: { ...payload, _id: id, sender, chat: chat.chatId, createdAt },
          chat: chatSummary(chat),
        });

    return { messageId: id, chatId: chat.chatId, timestamp: createdAt, clientMessageId };
  },
});
