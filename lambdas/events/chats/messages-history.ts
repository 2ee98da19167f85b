import * as z from "zod/mini";
import { optional, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Messages a page may hold; a page whose packet would grow too large is shorter. */
const MOST = 100;

/** Gives the messages of a chat, newest first, a page at a time; a page may be empty and yet not the last, where many were removed. */
export const messagesHistory = defineEvent({
  name: "messages:history",
  payload: z.object({
    chatId: Id,
    projectId: Id,
    before: optional(Id),
    limit: withDefault(z.int().check(z.minimum(1), z.maximum(MOST)), MOST),
  }),
  access: chatMember,
  reply: "messages:history:list",

  async handle({ payload: { chatId, before, limit }, place, messages }) {
    const page = await messages.history(place, { before, limit });

    const listed = page.messages.map(({ id, ...message }) => ({
      ...message,
      _id: id,
      chat: chatId,
    }));
    return { chatId, messages: listed, before: page.before };
  },
});
