import type { ChatKey } from "#mudbase/model/chat.ts";
import { segments, splitSegments } from "#server/model/segments.ts";
import { type Item, type Table, unlessFull } from "#server/store/table.ts";
import { messageKey } from "./keys.ts";

/** Reactions to a message of one user, and of all (contract 2.8). */
const MAX_OF_USER = 20;
const MAX_OF_MESSAGE = 200;

/** Tries of a reaction whose user toggles it elsewhere at the same time. */
const TOGGLES = 10;

export interface ReactionsParts {
  readonly table: Table;
  /** What must hold of a message that is there. */
  readonly isThere: string;
  readonly find: (key: ChatKey, messageId: string) => Promise<Item | undefined>;
}

/**
 * Adds a reaction to a message, or removes it where it is there already. The message holds the set of
 * all, and a set of each user's, which DynamoDB removes with its last entry: so one conditional update
 * keeps both limits, however many react at once.
 */
export function createReact({ table, isThere, find }: ReactionsParts) {
  return async (
    chat: ChatKey,
    messageId: string,
    { userId, emoji }: { readonly userId: string; readonly emoji: string },
  ): Promise<"added" | "removed" | "not_found" | "full"> => {
    const key = messageKey(chat, messageId);
    const reaction = segments(emoji, userId);
    const change = {
      names: { "#own": ownOf(userId) },
      values: {
        ":one": reaction,
        ":set": new Set([reaction]),
        ":emoji": new Set([emoji]),
      },
    };
    const add = {
      ...change,
      update: "ADD reactions :set, #own :emoji",
      condition: `${isThere} AND ${HAS_ROOM}`,
      values: { ...change.values, ...LIMITS },
    };
    const remove = {
      ...change,
      update: "DELETE reactions :set, #own :emoji",
      condition: `${isThere} AND contains(reactions, :one)`,
    };

    for (let tries = 0; tries < TOGGLES; tries += 1) {
      const added = await unlessFull(table.update(key, add));
      if (added !== undefined) return added === "full" ? "full" : "added";
      if ((await table.update(key, remove)) !== undefined) return "removed";
      const item = await find(chat, messageId);
      if (item === undefined) return "not_found";
      if (isLimitReached(item, reaction, userId)) return "full";
    }
    throw new Error(`a reaction was toggled elsewhere ${TOGGLES} times`);
  };
}

const HAS_ROOM = [
  "(attribute_not_exists(reactions) OR size(reactions) < :most AND NOT contains(reactions, :one))",
  "(attribute_not_exists(#own) OR size(#own) < :mostOwn)",
].join(" AND ");
const LIMITS = { ":most": MAX_OF_MESSAGE, ":mostOwn": MAX_OF_USER };

/** The attribute of a message that holds what a user has reacted with. */
const ownOf = (userId: string): string => segments("reactions", userId);

/** The attributes of a message that hold what its users have reacted with, besides the set of all. */
export const reactionAttributes = (item: Item): readonly string[] =>
  Object.keys(item).filter((name) => name.startsWith("reactions#"));

/** Users by the emoji they have reacted with. */
export function reactionsOf({ reactions }: Item): Readonly<Record<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const reaction of [...setOf(reactions)].toSorted()) {
    const [emoji = "", userId = ""] = splitSegments(reaction);
    users.set(emoji, [...(users.get(emoji) ?? []), userId]);
  }
  return Object.fromEntries(users);
}

const setOf = (value: unknown): ReadonlySet<string> =>
  (value as ReadonlySet<string> | undefined) ?? new Set();

function isLimitReached(item: Item, reaction: string, userId: string): boolean {
  const all = setOf(item.reactions);
  if (all.has(reaction)) return false;
  return all.size >= MAX_OF_MESSAGE || setOf(item[ownOf(userId)]).size >= MAX_OF_USER;
}
