import * as z from "zod/mini";
import { Chat } from "#model/chat.ts";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { EventError } from "../errors.ts";
import { definePublication } from "./define-publication.ts";

/** Describes a chat, in place of what was said of it before: its name, and who may use and moderate it. Sockets that it admits no more leave its room. */
export const chatPut = definePublication({
  entry: z.object({
    event: z.literal("chat:put"),
    org: Id,
    chat: z.extend(Chat, {
      name: optional(Chat.shape.name),
      type: optional(Chat.shape.type),
      access: optional(Chat.shape.access),
    }),
  }),

  async handle({ entry: { org, chat }, chats, server }) {
    const { name = chat.chatId, type = "group" } = chat;
    // Whoever names members means them: a chat is never opened by leaving `access` out.
    const { access = chat.members.length > 0 ? "members" : "project" } = chat;
    await chats.put(org, { ...chat, name, type, access });
    if (access === "project") return;

    const room = chatRoom(chat.projectId, chat.chatId);
    const strangers = server.in(room).exceptUsers(chat.members);
    strangers.socketsLeave(room);
    strangers.emit("chat:left", { chatId: chat.chatId });
  },
});

/** Gives a chat as it is described. */
export const chatGet = definePublication({
  entry: z.object({ event: z.literal("chat:get"), org: Id, projectId: Id, chatId: Id }),
  isRead: true,

  async handle({ entry: { org, projectId, chatId }, chats }) {
    const chat = await chats.find({ org, projectId, chatId });
    if (chat === undefined) throw new EventError("not_found", `there is no chat ${chatId}`);
    return { chat };
  },
});
