import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { admits, type ChatKey, isModerator } from "#mudbase/model/chat.ts";
import { chatRoom, userRoom } from "#mudbase/rooms.ts";
import { EventError } from "#server/errors.ts";
import { checked, optional, Text, texts, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { chatMember, chatMemberWith } from "./access.ts";
import { ChatSummary, chatSummary } from "./chat.ts";
import { type AccessRequest, defineEvent } from "./define.ts";
import { CONTENT_BYTES, type ContractLimits } from "./limits.ts";

export const ChatMessage = z.object({
  _id: z.string(),
  content: z.string(),
  sender: z.string(),
  chat: z.string(),
  type: z.string(),
  replyTo: z.optional(z.string()),
  mentions: z.array(z.string()),
  createdAt: z.string(),
});

/** What leaves to clients. */
export const messageEmits = {
  "message:sent": z.object({
    messageId: z.string(),
    chatId: z.string(),
    timestamp: z.string(),
    clientMessageId: z.optional(z.string()),
  }),
  "message:new": z.object({
    message: ChatMessage,
    chat: ChatSummary,
  }),
  "message:reaction": z.object({
    chatId: z.string(),
    messageId: z.string(),
    emoji: z.string(),
    userId: z.string(),
    action: z.enum(["added", "removed"]),
    timestamp: z.string(),
  }),
  "message:edited": texts("chatId", "messageId", "content", "editedAt"),
  "message:deleted": texts("chatId", "messageId", "deletedBy", "timestamp"),
};

/** Refuses the content of a message that is larger than the deployment allows, or than a packet has room for. */
function refuseLargeContent(content: string, { messageContentBytes }: ContractLimits): void {
  const bytes = Buffer.byteLength(content);
  if (bytes > messageContentBytes)
    throw new EventError(
      "too_large",
      `content: is ${bytes} bytes, more than ${messageContentBytes}`,
    );
  const encoded = Buffer.byteLength(JSON.stringify(content)) - QUOTES;
  if (encoded > CONTENT_BYTES)
    throw new EventError(
      "too_large",
      `content: is ${encoded} bytes of JSON, more than ${CONTENT_BYTES}`,
    );
}

const QUOTES = 2;

/** Refuses what asked for a message that is not there, or is somebody else's. */
function refuseFault(result: string, messageId: string): void {
  if (result === "not_found") throw notFound(`there is no message ${messageId}`);
  if (result === "forbidden")
    throw new EventError("forbidden", `the message ${messageId} is not yours`);
}

/** A message that holds as much as it may. */
const full = (messageId: string): EventError =>
  new EventError("limit_exceeded", `the message ${messageId} holds no more`);

/** A message that is not there. */
export const notFound = (message: string): EventError => new EventError("not_found", message);

const MOST_MENTIONS = 50;

/** Posts a message to a chat; the room, sender included, hears of it, and so do those it mentions. */
const messageSend = /* @__PURE__ */ defineEvent({
  name: "message:send",
  rate: "messageSendsPerSecond",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: Id,
      type: z.enum(["text", "image", "file", "audio"]),
      content: checked(Text, z.minLength(1)),
      replyTo: optional(Id),
      mentions: withDefault(checked(z.array(Id), z.maxLength(MOST_MENTIONS)), []),
      clientMessageId: optional(Id),
    }),
  access: chatMember,
  reply: "message:sent",

  async handle(context) {
    const { payload, chat, key, isNewChat, socket, io, chats, messages, limits } = context;
    const { type, content, replyTo, mentions, clientMessageId } = payload;
    refuseLargeContent(content, limits);
    if (isNewChat) await chats.create(key.org, chat);
    const { message, isNew } = await messages.post(key, {
      id: context.newId(),
      sender: socket.userId,
      createdAt: context.timestamp,
      ...{ type, content, replyTo, mentions, clientMessageId },
    });

    const { id, sender, createdAt } = message;
    if (isNew)
      io.to([
        chatRoom(chat.projectId, chat.chatId),
        ...mentions.filter((userId) => admits(chat, userId)).map(userRoom),
      ])
        .tagged(chat.projectId)
        .emit("message:new", {
          message: { ...payload, _id: id, sender, chat: chat.chatId, createdAt },
          chat: chatSummary(chat),
        });

    return { messageId: id, chatId: chat.chatId, timestamp: createdAt, clientMessageId };
  },
});

/** Bytes of an emoji in UTF-8 (contract 2.8). */
const EMOJI_BYTES = 32;

const Emoji = checked(
  Id,
  z.refine((emoji) => Buffer.byteLength(emoji) <= EMOJI_BYTES, {
    error: `must be at most ${EMOJI_BYTES} bytes`,
    abort: true,
  }),
);

/** Adds a reaction to a message, or removes it where this user has made it already; the room hears of it. */
const messageReact = /* @__PURE__ */ defineEvent({
  name: "message:react",
  payload: () => z.object({ chatId: Id, projectId: Id, messageId: Id, emoji: Emoji }),
  access: chatMember,

  async handle({ payload, chat, key, socket, io, messages, timestamp }) {
    const { chatId, messageId, emoji } = payload;
    const { userId } = socket;
    const action = await messages.react(key, messageId, { userId, emoji });
    if (action === "not_found") throw notFound(`there is no message ${messageId}`);
    if (action === "full") throw full(messageId);

    io.to(chatRoom(chat.projectId, chatId)).emit("message:reaction", {
      chatId,
      messageId,
      emoji,
      userId,
      action,
      timestamp,
    });
  },
});

/** Changes the content of a message, which only its author may; the room hears of it. */
const messageEdit = /* @__PURE__ */ defineEvent({
  name: "message:edit",
  payload: () =>
    z.object({
      chatId: Id,
      projectId: Id,
      messageId: Id,
      content: checked(Text, z.minLength(1)),
    }),
  access: chatMember,

  async handle({ payload, chat, key, socket, io, messages, limits, timestamp: editedAt }) {
    const { chatId, messageId, content } = payload;
    refuseLargeContent(content, limits);
    const change = { by: socket.userId, content, editedAt };
    const result = await messages.edit(key, messageId, change);
    if (result === "full") throw full(messageId);
    refuseFault(result, messageId);

    io.to(chatRoom(chat.projectId, chatId)).emit("message:edited", {
      chatId,
      messageId,
      content,
      editedAt,
    });
  },
});

/** What a message holds for the reactions of each user. */
const reactionsIn =
  ({ payload, messages }: AccessRequest<{ readonly messageId: string }>) =>
  async (key: ChatKey) => ({ reactions: await messages.reactionsOf(key, payload.messageId) });

/** Deletes a message, which its author and the chat's moderators may; the room hears of it. */
const messageDelete = /* @__PURE__ */ defineEvent({
  name: "message:delete",
  payload: () => z.object({ chatId: Id, projectId: Id, messageId: Id }),
  access: (request) => chatMemberWith(request, reactionsIn(request)),

  async handle({ payload, chat, key, reactions, socket, io, messages, timestamp }) {
    const { chatId, messageId } = payload;
    const { userId, data } = socket;
    const by = { userId, isModerator: isModerator(chat, data) };
    refuseFault(await messages.remove(key, messageId, by, reactions), messageId);

    io.to(chatRoom(chat.projectId, chatId)).emit("message:deleted", {
      chatId,
      messageId,
      deletedBy: userId,
      timestamp,
    });
  },
});

/** What clients may send. */
export const messageEvents = [messageSend, messageReact, messageEdit, messageDelete] as const;
