import * as z from "zod/mini";
import { admits, Chat } from "#mudbase/model/chat.ts";
import { chatRoom } from "#mudbase/rooms.ts";
import { EventError } from "#server/errors.ts";
import { optional, texts } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { chatMember, ownChatRooms, stranger } from "./access.ts";
import { defineEvent, definePublication } from "./define.ts";

export const ChatSummary = z.object({
  _id: z.string(),
  name: z.string(),
  type: z.enum(["direct", "group"]),
});

/** What leaves to clients. */
export const chatEmits = {
  "chat:joined": z.object({ chatId: z.string(), projectId: z.string(), chat: ChatSummary }),
  "chat:left": texts("chatId"),
  "user:typing:start": texts("userId", "chatId"),
  "user:typing:stop": texts("userId", "chatId"),
};

/** A chat as clients are told of it. */
export const chatSummary = ({ chatId, name, type }: Chat) => ({ _id: chatId, name, type });

/** Joins a chat and tells the others there; a chat nobody has described is made at its first use. */
const chatJoin = /* @__PURE__ */ defineEvent({
  name: "chat:join",
  payload: () => z.object({ chatId: Id, projectId: Id }),
  access: chatMember,
  reply: "chat:joined",

  async handle({ chat, key, isNewChat, socket, chats, timestamp, beforeSend }) {
    const { chatId, projectId } = chat;
    const room = chatRoom(projectId, chatId);
    const joined = await socket.join(room);
    // Asked again once the socket is listed: a change of the members finds it there, or is found here.
    beforeSend(async () => {
      if (isNewChat && (await chats.create(key.org, chat))) return;
      if (admits((await chats.find(key)) ?? chat, socket.userId)) return;
      await socket.leave(room);
      throw stranger(chatId);
    });

    socket.to(joined).emit("user:online", { userId: socket.userId, chatId, timestamp });

    return { chatId, projectId, chat: chatSummary(chat) };
  },
});

/** Leaves a chat and tells the others there. */
const chatLeave = /* @__PURE__ */ defineEvent({
  name: "chat:leave",
  payload: () => z.object({ chatId: Id, projectId: optional(Id) }),
  access: ownChatRooms,
  reply: "chat:left",

  async handle({ payload: { chatId }, rooms, socket, timestamp }) {
    const left = await socket.leave(rooms);

    socket.to(left).emit("user:offline", { userId: socket.userId, chatId, timestamp });

    return { chatId };
  },
});

/** Tells the others in a chat that the user types. */
const chatTypingStart = /* @__PURE__ */ defineEvent({
  name: "chat:typing:start",
  payload: () => z.object({ chatId: Id, projectId: optional(Id) }),
  access: chatMember,

  async handle({ chat: { projectId, chatId }, socket }) {
    socket
      .to(chatRoom(projectId, chatId))
      .volatile.emit("user:typing:start", { userId: socket.userId, chatId });
  },
});

/** Tells the others in a chat that the user has stopped typing. */
const chatTypingStop = /* @__PURE__ */ defineEvent({
  name: "chat:typing:stop",
  payload: () => z.object({ chatId: Id, projectId: optional(Id) }),
  access: chatMember,

  async handle({ chat: { projectId, chatId }, socket }) {
    socket
      .to(chatRoom(projectId, chatId))
      .volatile.emit("user:typing:stop", { userId: socket.userId, chatId });
  },
});

/** Describes a chat, in place of what was said of it before: its name, and who may use and moderate it. Sockets that it admits no more leave its room. */
const chatPut = /* @__PURE__ */ definePublication({
  names: ["chat:put"],
  entry: () =>
    z.object({
      org: Id,
      chat: z.extend(Chat, {
        name: optional(Chat.shape.name),
        type: optional(Chat.shape.type),
        access: optional(Chat.shape.access),
      }),
    }),

  async handle({ entry: { org, chat }, chats, io }) {
    const { name = chat.chatId, type = "group" } = chat;
    // Whoever names members means them: a chat is never opened by leaving `access` out.
    const { access = chat.members.length > 0 ? "members" : "project" } = chat;
    await chats.put(org, { ...chat, name, type, access });
    if (access === "project") return;

    const room = chatRoom(chat.projectId, chat.chatId);
    const strangers = io.in(room).exceptUsers(chat.members);
    strangers.emit("chat:left", { chatId: chat.chatId });
    strangers.socketsLeave(room);
  },
});

/** Gives a chat as it is described. */
const chatGet = /* @__PURE__ */ definePublication({
  names: ["chat:get"],
  entry: () => z.object({ org: Id, projectId: Id, chatId: Id }),
  isRead: true,

  async handle({ entry: { org, projectId, chatId }, chats }) {
    const chat = await chats.find({ org, projectId, chatId });
    if (chat === undefined) throw new EventError("not_found", `there is no chat ${chatId}`);
    return { chat };
  },
});

/** What clients may send. */
export const chatEvents = [chatJoin, chatLeave, chatTypingStart, chatTypingStop] as const;

/** What other back ends may publish. */
export const chatPublications = [chatPut, chatGet] as const;
