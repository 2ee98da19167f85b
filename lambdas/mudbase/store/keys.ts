import type { ChatKey } from "#mudbase/model/chat.ts";
import type { IntegrationKey } from "#mudbase/model/integration.ts";
import type { QueryKey } from "#mudbase/model/query.ts";
import type { Room } from "#mudbase/rooms.ts";
import { segments } from "#server/model/segments.ts";
import type { Key } from "#server/store/keys.ts";

/** The partition of those online in a presence room; a `Room` is escaped already. */
export const presencePartition = (org: string, room: Room): string =>
  `${segments("online", org)}#${room}`;

export const presenceKey = (org: string, room: Room, userId: string): Key => ({
  pk: presencePartition(org, room),
  sk: userId,
});

/** The partition of the live queries on a collection. */
export const queryPartition = (org: string, { projectId, collectionId }: QueryKey): string =>
  segments("query", org, projectId, collectionId);

export const queryKey = (org: string, key: QueryKey, sid: string, queryId: string): Key => ({
  pk: queryPartition(org, key),
  sk: segments(sid, queryId),
});

/** The partition of a chat: the chat itself, its messages and the client ids they were sent under. */
export const chatPartition = ({ org, projectId, chatId }: ChatKey): string =>
  segments("chat", org, projectId, chatId);

export const chatKey = (key: ChatKey): Key => ({ pk: chatPartition(key), sk: "chat" });

/** What the sort key of every message begins with; ids sort by time. */
export const MESSAGE_PREFIX = "message#";

/** What sorts after every message of a chat, and before all else. */
export const AFTER_MESSAGES = "message$";

export const messageKey = (key: ChatKey, messageId: string): Key => ({
  pk: chatPartition(key),
  sk: segments("message", messageId),
});

export const sentKey = (key: ChatKey, sender: string, clientMessageId: string): Key => ({
  pk: chatPartition(key),
  sk: segments("sent", sender, clientMessageId),
});

/** The partition of the calls of a chat. */
export const callPartition = ({ org, projectId, chatId }: ChatKey): string =>
  segments("call", org, projectId, chatId);

export const callKey = (key: ChatKey, callerId: string): Key => ({
  pk: callPartition(key),
  sk: callerId,
});

/** The partition of the integrations of a project. */
export const integrationPartition = (org: string, projectId: string): string =>
  segments("integrations", org, projectId);

export const integrationKey = ({ org, projectId, integrationId }: IntegrationKey): Key => ({
  pk: integrationPartition(org, projectId),
  sk: integrationId,
});

export const usageKey = ({ org, projectId, integrationId }: IntegrationKey): Key => ({
  pk: segments("integration", org, projectId, integrationId),
  sk: "usage",
});

export const minuteKey = (
  { org, projectId, integrationId }: IntegrationKey,
  minute: number,
): Key => ({
  pk: segments("integration", org, projectId, integrationId),
  sk: segments("minute", String(minute)),
});

/** Whose webhooks a public path leads to: the path names no organisation. */
export const webhookOwnerKey = (projectId: string, integrationId: string): Key => ({
  pk: segments("webhook", projectId, integrationId),
  sk: "owner",
});
