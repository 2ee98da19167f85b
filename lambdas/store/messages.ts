import type { ChatPlace } from "#model/chat.ts";
import type { Draft, Message } from "#model/message.ts";
import { segments, splitSegments } from "#model/segments.ts";
import { AFTER_MESSAGES, chatPartition, MESSAGE_PREFIX, messageKey, sentKey } from "./keys.ts";
import { type Item, isFull, type Table } from "./table.ts";

/** A page of messages, newest first; `before` asks for the next one if there is one. */
export interface HistoryPage {
  readonly messages: readonly Message[];
  readonly before?: string | undefined;
}

/** Why a change of a message did not happen. */
export type MessageFault = "not_found" | "forbidden";

/** The messages of the chats, ordered by id, which is by time. */
export interface Messages {
  /** Stores a message once; `isNew` tells the one call that did. */
  post(place: ChatPlace, draft: Draft): Promise<{ message: Message; isNew: boolean }>;
  edit(
    place: ChatPlace,
    messageId: string,
    change: { readonly by: string; readonly content: string; readonly editedAt: string },
  ): Promise<"edited" | MessageFault>;
  /** Empties a message; nobody finds it any more. A moderator may remove everyone's. */
  remove(
    place: ChatPlace,
    messageId: string,
    by: { readonly userId: string; readonly isModerator: boolean },
  ): Promise<"removed" | MessageFault>;
  /** Adds a reaction, or removes it where it is there already; `full` where the message holds no more. */
  react(
    place: ChatPlace,
    messageId: string,
    by: { readonly userId: string; readonly emoji: string },
  ): Promise<"added" | "removed" | "not_found" | "full">;
  /**
   * Gives the messages that this user had not read before; none is marked where one is not found, and
   * one that holds no more marks stays as it is.
   */
  markRead(
    place: ChatPlace,
    messageIds: readonly string[],
    userId: string,
  ): Promise<readonly string[] | "not_found">;
  history(
    place: ChatPlace,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<HistoryPage>;
}

export interface MessagesParts {
  readonly table: Table;
  readonly now: () => number;
  /** Days a message is kept; 0 keeps it for good. */
  readonly retentionDays: number;
}

/** A page stays below this many bytes, so that its packet fits API Gateway's limit. */
const PAGE_BYTES = 96 * 1024;
/** Tries of a reaction whose user toggles it elsewhere at the same time. */
const TOGGLES = 10;
const DAY = 86_400;

// Removed messages stay as empty items: a retry of their sender must not bring them back.
const isThere = "attribute_exists(pk) AND attribute_not_exists(removedAt)";

/** The messages in the table: an item each, which holds its reactions and readers as sets. */
export function createMessages({ table, now, retentionDays }: MessagesParts): Messages {
  const expiry = () =>
    retentionDays > 0 ? { expiresAt: Math.floor(now() / 1000) + retentionDays * DAY } : {};
  // TTL deletes late: what has expired is gone for readers already.
  const isLive = ({ removedAt, expiresAt }: Item) =>
    removedAt === undefined && (expiresAt === undefined || Number(expiresAt) * 1000 > now());

  async function find(place: ChatPlace, messageId: string): Promise<Item | undefined> {
    const item = await table.get(messageKey(place, messageId));
    return item !== undefined && isLive(item) ? item : undefined;
  }

  /** The id and time under which a draft is stored: those of its first try. */
  async function settle(place: ChatPlace, draft: Draft): Promise<Draft> {
    if (draft.clientMessageId === undefined) return draft;
    const key = sentKey(place, draft.sender, draft.clientMessageId);
    const { id, createdAt } = draft;
    if (await table.create({ ...key, id, createdAt, ...expiry() })) return draft;
    const first = await table.get(key);
    return { ...draft, id: String(first?.id), createdAt: String(first?.createdAt) };
  }

  async function faultOf(place: ChatPlace, messageId: string): Promise<MessageFault> {
    return (await find(place, messageId)) === undefined ? "not_found" : "forbidden";
  }

  return {
    async post(place, draft) {
      const { id, clientMessageId: _, ...content } = await settle(place, draft);
      // However often it is tried, and wherever a try broke off: one put is the first.
      const item = { ...messageKey(place, id), id, ...content, attempt: draft.id, ...expiry() };
      const isNew = await table.create(item);
      return { message: { id, ...content, reactions: {}, readBy: 0 }, isNew };
    },

    async edit(place, messageId, { by, content, editedAt }) {
      const edited = await table.update(messageKey(place, messageId), {
        UpdateExpression: "SET content = :content, editedAt = :editedAt",
        ConditionExpression: `${isThere} AND sender = :by`,
        ExpressionAttributeValues: { ":content": content, ":editedAt": editedAt, ":by": by },
      });
      return edited === undefined ? faultOf(place, messageId) : "edited";
    },

    async remove(place, messageId, { userId, isModerator }) {
      const removed = await table.update(messageKey(place, messageId), {
        UpdateExpression:
          "SET removedAt = :now REMOVE content, mentions, reactions, readers, replyTo",
        ConditionExpression: isModerator ? isThere : `${isThere} AND sender = :by`,
        ExpressionAttributeValues: { ":now": now(), ...(isModerator ? {} : { ":by": userId }) },
      });
      return removed === undefined ? faultOf(place, messageId) : "removed";
    },

    async react(place, messageId, { userId, emoji }) {
      const key = messageKey(place, messageId);
      const reaction = segments(emoji, userId);
      const values = { ":one": reaction, ":set": new Set([reaction]) };
      for (let tries = 0; tries < TOGGLES; tries += 1) {
        const added = await unlessFull(
          table.update(key, {
            UpdateExpression: "ADD reactions :set",
            ConditionExpression: `${isThere} AND NOT contains(reactions, :one)`,
            ExpressionAttributeValues: values,
          }),
        );
        if (added === "full") return "full";
        if (added !== undefined) return "added";
        const removed = await table.update(key, {
          UpdateExpression: "DELETE reactions :set",
          ConditionExpression: `${isThere} AND contains(reactions, :one)`,
          ExpressionAttributeValues: values,
        });
        if (removed !== undefined) return "removed";
        if ((await find(place, messageId)) === undefined) return "not_found";
      }
      throw new Error(`a reaction was toggled elsewhere ${TOGGLES} times`);
    },

    async markRead(place, messageIds, userId) {
      const wanted = [...new Set(messageIds)];
      const items = await table.getAll(wanted.map((id) => messageKey(place, id)));
      const live = items.filter(isLive);
      if (live.length < wanted.length) return "not_found";

      const unread = live.filter(({ readers }) => !readersOf(readers).has(userId));
      const marked = await Promise.all(
        unread.map(async ({ id }) => ((await mark(place, String(id), userId)) ? [String(id)] : [])),
      );
      const fresh = new Set(marked.flat());
      return wanted.filter((id) => fresh.has(id));
    },

    async history(place, { before, limit }) {
      const messages: Message[] = [];
      let bytes = 0;
      for await (const { items } of table.pages(historyQuery(place, before, limit)))
        for (const message of items.filter(isLive).map(messageOf)) {
          if (message.id === before) continue;
          bytes += Buffer.byteLength(JSON.stringify(message));
          if (messages.length === limit || (bytes > PAGE_BYTES && messages.length > 0))
            return { messages, before: messages.at(-1)?.id };
          messages.push(message);
        }
      return { messages };
    },
  };

  async function mark(place: ChatPlace, messageId: string, userId: string): Promise<boolean> {
    const marked = await unlessFull(
      table.update(messageKey(place, messageId), {
        UpdateExpression: "ADD readers :set",
        ConditionExpression: `${isThere} AND NOT contains(readers, :user)`,
        ExpressionAttributeValues: { ":user": userId, ":set": new Set([userId]) },
      }),
    );
    return marked !== undefined && marked !== "full";
  }
}

const unlessFull = <Result>(update: Promise<Result>): Promise<Result | "full"> =>
  update.catch((error: unknown) => {
    if (isFull(error)) return "full";
    throw error;
  });

const historyQuery = (place: ChatPlace, before: string | undefined, limit: number) => ({
  KeyConditionExpression: "pk = :chat AND sk BETWEEN :first AND :last",
  ExpressionAttributeValues: {
    ":chat": chatPartition(place),
    ":first": MESSAGE_PREFIX,
    ":last": before === undefined ? AFTER_MESSAGES : messageKey(place, before).sk,
  },
  ScanIndexForward: false,
  // One more tells whether there is another page, and `before` itself is read.
  Limit: limit + 2,
  ConsistentRead: true,
});

const readersOf = (readers: unknown): ReadonlySet<string> =>
  (readers as ReadonlySet<string> | undefined) ?? new Set();

function messageOf(item: Item): Message {
  const { id, sender, type, content, replyTo, mentions, createdAt, editedAt } =
    item as unknown as Message;
  const reactions = new Map<string, string[]>();
  for (const reaction of [
    ...((item.reactions as ReadonlySet<string> | undefined) ?? []),
  ].toSorted()) {
    const [emoji = "", userId = ""] = splitSegments(reaction);
    reactions.set(emoji, [...(reactions.get(emoji) ?? []), userId]);
  }
  return {
    id,
    sender,
    type,
    content,
    replyTo,
    mentions,
    createdAt,
    editedAt,
    reactions: Object.fromEntries(reactions),
    readBy: readersOf(item.readers).size,
  };
}
