import * as z from "zod/mini";
import { checked, Text, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import type { TokenData } from "./identity.ts";

const MOST_MEMBERS = 1000;

/** A chat of a project; `members` may use one whose access is `members`, `moderators` are roles. */
export const Chat = z.object({
  projectId: Id,
  chatId: Id,
  name: checked(Text, z.minLength(1), z.maxLength(256)),
  type: z.enum(["direct", "group"]),
  access: z.enum(["project", "members"]),
  members: withDefault(checked(z.array(Id), z.maxLength(MOST_MEMBERS)), []),
  moderators: withDefault(checked(z.array(Id), z.maxLength(MOST_MEMBERS)), []),
});
export type Chat = z.infer<typeof Chat>;

/** Where a chat lives. */
export interface ChatKey {
  readonly org: string;
  readonly projectId: string;
  readonly chatId: string;
}

/** What a chat is that nobody has described: a group for all of its project. */
export const undescribedChat = ({ projectId, chatId }: ChatKey): Chat => ({
  projectId,
  chatId,
  name: chatId,
  type: "group",
  access: "project",
  members: [],
  moderators: [],
});

/** Whether a chat lets a user in who may use its project. */
export const admits = ({ access, members }: Chat, userId: string): boolean =>
  access === "project" || members.includes(userId);

/** Whether a user has a role that the chat names as moderator. */
export const isModerator = ({ moderators }: Chat, { role }: Pick<TokenData, "role">): boolean =>
  role !== undefined && moderators.includes(role);
