import { Buffer } from "node:buffer";
import type { ChatKey } from "#mudbase/model/chat.ts";
import type { Message } from "#mudbase/model/message.ts";
import { MESSAGE_BYTES } from "#server/model/limits.ts";
import { splitSegments } from "#server/model/segments.ts";
import type { Item, Page, Table } from "#server/store/table.ts";
import { AFTER_MESSAGES, chatPartition, MESSAGE_PREFIX, messageKey } from "./keys.ts";
import { reactionsOf } from "./reactions.ts";

/** A page of messages, newest first; `before` asks for the next one if there is one. */
export interface HistoryPage {
  readonly messages: readonly Message[];
  readonly before?: string | undefined;
}

/** A page stays below this many bytes, unless its only message is larger. */
const PAGE_BYTES = 96 * 1024;

/** The largest message of a page: its packet has a kilobyte besides. */
const LARGEST = MESSAGE_BYTES - 1024;

/** Queries of one page, where many messages were removed; and what each but the first reads. */
const QUERIES = 5;
const ITEMS_A_QUERY = 500;

/** Reads a chat backwards, a page at a time; one that found few messages in many items says where to go on. */
export function createHistory(table: Table, isLive: (item: Item) => boolean) {
  return async (
    key: ChatKey,
    { before, limit }: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<HistoryPage> => {
    const messages: Message[] = [];
    let bytes = 0;
    let last: Page["last"];
    for (let queries = 0; queries < QUERIES; queries += 1) {
      // One more tells whether there is another page, and `before` itself is read.
      const size = queries === 0 ? limit + 2 : ITEMS_A_QUERY;
      const page = await table.page({
        ...historyQuery(key, before, size),
        ...(last !== undefined && { ExclusiveStartKey: last }),
      });
      for (const item of page.items.filter(isLive)) {
        if (item.id === before) continue;
        const message = messageOf(item, key);
        bytes += sizeOf(message, key);
        if (messages.length === limit || (bytes > PAGE_BYTES && messages.length > 0))
          return { messages, before: messages.at(-1)?.id };
        messages.push(message);
      }
      last = page.last;
      if (last === undefined) return { messages };
    }
    return { messages, before: splitSegments(String(last?.sk))[1] };
  };
}

const historyQuery = (key: ChatKey, before: string | undefined, Limit: number) => ({
  KeyConditionExpression: "pk = :chat AND sk BETWEEN :first AND :last",
  ExpressionAttributeValues: {
    ":chat": chatPartition(key),
    ":first": MESSAGE_PREFIX,
    ":last": before === undefined ? AFTER_MESSAGES : messageKey(key, before).sk,
  },
  ScanIndexForward: false,
  Limit,
  ConsistentRead: true,
});

/** The users who have read a message. */
export const readersOf = ({ readers }: Item): ReadonlySet<string> =>
  (readers as ReadonlySet<string> | undefined) ?? new Set();

function messageOf(item: Item, key: ChatKey): Message {
  const { id, sender, type, content, replyTo, mentions, createdAt, editedAt } =
    item as unknown as Message;
  const message = {
    ...{ id, sender, type, content, replyTo, mentions, createdAt, editedAt },
    readBy: readersOf(item).size,
  };
  const whole = { ...message, reactions: reactionsOf(item) };
  return sizeOf(whole, key) > LARGEST ? message : whole;
}

/** Bytes of a message in the packet of a page, where each also names its chat. */
const sizeOf = (message: Message, { chatId }: ChatKey): number =>
  Buffer.byteLength(JSON.stringify({ ...message, chat: chatId, _: "" }));
