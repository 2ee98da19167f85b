import * as z from "zod/mini";
import type { ChatKey } from "#mudbase/model/chat.ts";
import { chatRoom } from "#mudbase/rooms.ts";
import { checked, optional, record, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { chatMember, chatMemberWith } from "./access.ts";
import { type AccessRequest, defineEvent } from "./define.ts";
import { failAfter } from "./fail-after.ts";
import { ChatMessage, notFound } from "./message.ts";

/** What leaves to clients. */
export const messagesEmits = {
  "messages:read": z.object({
    chatId: z.string(),
    messageIds: z.array(z.string()),
    readBy: z.string(),
    timestamp: z.string(),
  }),
  "messages:history:list": z.object({
    chatId: z.string(),
    messages: z.array(
      z.extend(ChatMessage, {
        editedAt: z.optional(z.string()),
        reactions: z.optional(record(z.array(z.string()))),
        readBy: z.number(),
      }),
    ),
    before: z.optional(z.string()),
  }),
};

/** Messages that may be marked at once (contract 2.8). */
const MAX_MARKED = 100;

/** What a user has not read yet. */
const unreadIn =
  ({ payload, socket, messages }: AccessRequest<{ readonly messageIds: readonly string[] }>) =>
  async (key: ChatKey) => ({
    unread: await messages.unreadBy(key, payload.messageIds, socket.userId),
  });

/** Marks messages as read by this user; the room hears of those that were not before. */
const messagesMarkRead = /* @__PURE__ */ defineEvent({
  name: "messages:mark:read",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: Id,
      messageIds: checked(z.array(Id), z.minLength(1), z.maxLength(MAX_MARKED)),
    }),
  access: (request) => chatMemberWith(request, unreadIn(request)),

  async handle({ payload: { chatId }, chat, key, unread, socket, io, ...context }) {
    const { messages, flush, timestamp } = context;
    const { userId } = socket;
    if (unread === "not_found") throw notFound("messageIds: names a message that is not there");
    const marked = await messages.markRead(key, unread, userId);

    if (marked.done.length > 0)
      io.to(chatRoom(chat.projectId, chatId)).emit("messages:read", {
        chatId,
        messageIds: marked.done,
        readBy: userId,
        timestamp,
      });
    await failAfter(flush, marked);
  },
});

/** Messages a page may hold; a page whose packet would grow too large is shorter. */
const MAX_PAGE = 100;

/** Gives the messages of a chat, newest first, a page at a time; a page may be empty and yet not the last, where many were removed. */
const messagesHistory = /* @__PURE__ */ defineEvent({
  name: "messages:history",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: Id,
      before: optional(Id),
      limit: withDefault(checked(z.int(), z.minimum(1), z.maximum(MAX_PAGE)), MAX_PAGE),
    }),
  access: chatMember,
  reply: "messages:history:list",

  async handle({ payload: { chatId, before, limit }, key, messages }) {
    const page = await messages.history(key, { before, limit });

    const listed = page.messages.map(({ id, ...message }) => ({
      ...message,
      _id: id,
      chat: chatId,
    }));
    return { chatId, messages: listed, before: page.before };
  },
});

/** What clients may send. */
export const messagesEvents = [messagesMarkRead, messagesHistory] as const;
