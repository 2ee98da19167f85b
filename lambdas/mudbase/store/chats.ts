import { Chat, type ChatKey } from "#mudbase/model/chat.ts";
import type { Item, Table } from "#server/store/table.ts";
import { chatKey } from "./keys.ts";

/** The chats that are described, or were once used. */
export interface Chats {
  find(key: ChatKey): Promise<Chat | undefined>;
  /** Stores a chat unless there is one already; tells whether it did. */
  create(org: string, chat: Chat): Promise<boolean>;
  put(org: string, chat: Chat): Promise<void>;
}

/** The chats in the table. */
export function createChats(table: Table): Chats {
  const itemOf = (org: string, chat: Chat) => ({
    ...chatKey({ org, ...chat }),
    ...chat,
  });
  return {
    find: async (key) => chatOf(await table.get(chatKey(key))),
    create: (org, chat) => table.create(itemOf(org, chat)),
    put: (org, chat) => table.put(itemOf(org, chat)),
  };
}

const chatOf = (item: Item | undefined): Chat | undefined => item && Chat.parse(item);
