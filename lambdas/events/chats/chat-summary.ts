import type { Chat } from "#model/chat.ts";

/** A chat as clients are told of it. */
export const chatSummary = ({ chatId, name, type }: Chat) => ({ _id: chatId, name, type });
