import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { chatRoom } from "#model/room.ts";
import { chatMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";
import { full, notFound } from "./message-fault.ts";

/** Bytes of an emoji in UTF-8 (contract 2.8). */
const EMOJI_BYTES = 32;

const Emoji = Id.check(
  z.refine((emoji) => Buffer.byteLength(emoji) <= EMOJI_BYTES, {
    error: `must be at most ${EMOJI_BYTES} bytes`,
    abort: true,
  }),
);

/** Adds a reaction to a message, or removes it where this user has made it already; the room hears of it. */
export const messageReact = defineEvent({
  name: "message:react",
  payload: z.object({ chatId: Id, projectId: Id, messageId: Id, emoji: Emoji }),
  access: chatMember,

  async handle({ payload, chat, place, socket, server, messages, timestamp }) {
    const { chatId, messageId, emoji } = payload;
    const { userId } = socket;
    const action = await messages.react(place, messageId, { userId, emoji });
    if (action === "not_found") throw notFound(`there is no message ${messageId}`);
    if (action === "full") throw full(messageId);

    server
      .to(chatRoom(chat.projectId, chatId))
      .emit("message:reaction", { chatId, messageId, emoji, userId, action, timestamp });
  },
});
