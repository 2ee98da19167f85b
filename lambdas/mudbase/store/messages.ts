import type { ChatKey } from "#mudbase/model/chat.ts";
import type { Draft, Message } from "#mudbase/model/message.ts";
import { type Item, type Storage, type Table, unlessFull } from "#server/store/table.ts";
import { createHistory, type HistoryPage, readersOf } from "./history.ts";
import { messageKey, sentKey } from "./keys.ts";
import { createReact, reactionAttributes } from "./reactions.ts";
import { type Settled, settleAll } from "./settle-all.ts";

/** Why a change of a message did not happen. */
export type MessageFault = "not_found" | "forbidden";

/** The messages of the chats, ordered by id, which is by time. */
export interface Messages {
  /** Stores a message once; `isNew` tells the one call that did. */
  post(key: ChatKey, draft: Draft): Promise<{ message: Message; isNew: boolean }>;
  edit(
    key: ChatKey,
    messageId: string,
    change: { readonly by: string; readonly content: string; readonly editedAt: string },
  ): Promise<"edited" | "full" | MessageFault>;
  /** The names of what a message holds for the reactions of each user. */
  reactionsOf(key: ChatKey, messageId: string): Promise<readonly string[]>;
  /** Empties a message, with these reactions; nobody finds it any more. A moderator may remove everyone's. */
  remove(
    key: ChatKey,
    messageId: string,
    by: { readonly userId: string; readonly isModerator: boolean },
    reactions: readonly string[],
  ): Promise<"removed" | MessageFault>;
  /** Adds a reaction, or removes it where it is there already; `full` where the message holds no more. */
  react(
    key: ChatKey,
    messageId: string,
    by: { readonly userId: string; readonly emoji: string },
  ): Promise<"added" | "removed" | "not_found" | "full">;
  /** The messages of these that a user has not read yet, unless one of them is not found. */
  unreadBy(
    key: ChatKey,
    messageIds: readonly string[],
    userId: string,
  ): Promise<readonly string[] | "not_found">;
  /**
   * Gives the messages that this user had not read before, also where others could not be marked; one that
   * holds no more marks stays as it is.
   */
  markRead(key: ChatKey, messageIds: readonly string[], userId: string): Promise<Settled<string>>;
  history(
    key: ChatKey,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<HistoryPage>;
}

const DAY = 86_400;

/** What a message that was removed has no more. */
const CONTENT = ["content", "mentions", "reactions", "readers", "replyTo"];

// Removed messages stay as empty items: a retry of their sender must not bring them back.
const isThere = "attribute_exists(pk) AND attribute_not_exists(removedAt)";

/** The messages in the table: an item each, which holds its reactions and readers as sets. */
export function createMessages({ table, now }: Storage, retentionDays: number): Messages {
  const expiry = () =>
    retentionDays > 0 ? { expiresAt: Math.floor(now() / 1000) + retentionDays * DAY } : {};
  // TTL deletes late: what has expired is gone for readers already.
  const isLive = ({ removedAt, expiresAt }: Item) =>
    removedAt === undefined && (expiresAt === undefined || Number(expiresAt) * 1000 > now());

  async function find(key: ChatKey, messageId: string): Promise<Item | undefined> {
    const item = await table.get(messageKey(key, messageId));
    return item !== undefined && isLive(item) ? item : undefined;
  }

  return {
    ...createPost(table, expiry),
    ...createChanges({ table, now }, find),
    ...createMarkRead(table, isLive),
    react: createReact({ table, isThere, find }),
    history: createHistory(table, isLive),
  };
}

type Part<Name extends keyof Messages> = Pick<Messages, Name>;
type Find = (key: ChatKey, messageId: string) => Promise<Item | undefined>;

function createPost(table: Table, expiry: () => object): Part<"post"> {
  return {
    async post(key, draft) {
      const { id, clientMessageId: _, ...content } = await settle(key, draft);
      // However often it is tried, and wherever a try broke off: one put is the first.
      const item = { ...messageKey(key, id), id, ...content, attempt: draft.id, ...expiry() };
      const isNew = await table.create(item);
      return { message: { id, ...content, reactions: {}, readBy: 0 }, isNew };
    },
  };

  /** The id and time under which a draft is stored: those of its first try. */
  async function settle(key: ChatKey, draft: Draft): Promise<Draft> {
    if (draft.clientMessageId === undefined) return draft;
    const sent = sentKey(key, draft.sender, draft.clientMessageId);
    const { id, createdAt } = draft;
    if (await table.create({ ...sent, id, createdAt, ...expiry() })) return draft;
    const first = await table.get(sent);
    return { ...draft, id: String(first?.id), createdAt: String(first?.createdAt) };
  }
}

function createChanges(
  { table, now }: Storage,
  find: Find,
): Part<"edit" | "reactionsOf" | "remove"> {
  async function faultOf(key: ChatKey, messageId: string): Promise<MessageFault> {
    return (await find(key, messageId)) === undefined ? "not_found" : "forbidden";
  }

  return {
    async edit(key, messageId, { by, content, editedAt }) {
      const edited = await unlessFull(
        table.update(messageKey(key, messageId), {
          update: "SET content = :content, editedAt = :editedAt",
          condition: `${isThere} AND sender = :by`,
          values: { ":content": content, ":editedAt": editedAt, ":by": by },
          isRepeatable: true,
        }),
      );
      if (edited === "full") return "full";
      return edited === undefined ? faultOf(key, messageId) : "edited";
    },

    reactionsOf: async (key, messageId) => reactionAttributes((await find(key, messageId)) ?? {}),

    async remove(key, messageId, { userId, isModerator }, own) {
      const at = now();
      const names = Object.fromEntries(own.map((name, index) => [`#own${index}`, name]));
      const removed = await table.update(messageKey(key, messageId), {
        update: `SET removedAt = :now REMOVE ${[...CONTENT, ...Object.keys(names)].join()}`,
        condition: isModerator ? isThere : `${isThere} AND sender = :by`,
        ...(own.length > 0 && { names }),
        values: { ":now": at, ...(isModerator ? {} : { ":by": userId }) },
        isOwn: ({ removedAt }) => removedAt === at,
      });
      return removed === undefined ? faultOf(key, messageId) : "removed";
    },
  };
}

function createMarkRead(
  table: Table,
  isLive: (item: Item) => boolean,
): Part<"markRead" | "unreadBy"> {
  return {
    async unreadBy(key, messageIds, userId) {
      const wanted = [...new Set(messageIds)];
      const items = await table.getAll(wanted.map((id) => messageKey(key, id)));
      const live = items.filter(isLive);
      if (live.length < wanted.length) return "not_found";

      const read = new Set(live.filter((item) => readersOf(item).has(userId)).map(({ id }) => id));
      return wanted.filter((id) => !read.has(id));
    },

    markRead: (key, messageIds, userId) => settleAll(messageIds, (id) => mark(key, id, userId)),
  };

  /** Gives the message's id where it was unread. */
  async function mark(
    key: ChatKey,
    messageId: string,
    userId: string,
  ): Promise<string | undefined> {
    const marked = await unlessFull(
      table.update(messageKey(key, messageId), {
        update: "ADD readers :set",
        condition: `${isThere} AND NOT contains(readers, :user)`,
        values: { ":user": userId, ":set": new Set([userId]) },
      }),
    );
    return marked === undefined || marked === "full" ? undefined : messageId;
  }
}
