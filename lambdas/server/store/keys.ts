import type { ChatPlace } from "#mudbase/model/chat.ts";
import type { IntegrationPlace } from "#mudbase/model/integration.ts";
import type { QueryPlace } from "#server/model/connection.ts";
import type { Room } from "#server/model/room.ts";
import { segments } from "#server/model/segments.ts";

/** The primary key of an item. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** The index the sweep reads: connections by shard. */
export const SHARD_INDEX = "byShard";

export const connectionKey = (connectionId: string): Key => ({
  pk: segments("conn", connectionId),
  sk: "conn",
});

export const pieceKey = (connectionId: string, pieceId: string): Key => ({
  pk: segments("conn", connectionId),
  sk: segments("piece", pieceId),
});

/** The partition of a room; a `Room` is escaped already. */
export const roomPartition = (org: string, room: Room): string =>
  `${segments("room", org)}#${room}`;

export const memberKey = (org: string, room: Room, connectionId: string): Key => ({
  pk: roomPartition(org, room),
  sk: connectionId,
});

/** The partition of those online in a presence room; a `Room` is escaped already. */
export const presencePartition = (org: string, room: Room): string =>
  `${segments("online", org)}#${room}`;

export const presenceKey = (org: string, room: Room, userId: string): Key => ({
  pk: presencePartition(org, room),
  sk: userId,
});

/** The partition of the live queries on a collection. */
export const queryPartition = (org: string, { projectId, collectionId }: QueryPlace): string =>
  segments("query", org, projectId, collectionId);

export const queryKey = (
  org: string,
  place: QueryPlace,
  connectionId: string,
  queryId: string,
): Key => ({
  pk: queryPartition(org, place),
  sk: segments(connectionId, queryId),
});

/** What can be revoked: a user, a session (`sid`), a token (`jti`). */
export type RevokedKind = "user" | "session" | "token";

export const revocationKey = (org: string, kind: RevokedKind, id: string): Key => ({
  pk: segments("revoked", org, kind, id),
  sk: "revoked",
});

/** The partition of a chat: the chat itself, its messages and the client ids they were sent under. */
export const chatPartition = ({ org, projectId, chatId }: ChatPlace): string =>
  segments("chat", org, projectId, chatId);

export const chatKey = (place: ChatPlace): Key => ({ pk: chatPartition(place), sk: "chat" });

/** What the sort key of every message begins with; ids sort by time. */
export const MESSAGE_PREFIX = "message#";

/** What sorts after every message of a chat, and before all else. */
export const AFTER_MESSAGES = "message$";

export const messageKey = (place: ChatPlace, messageId: string): Key => ({
  pk: chatPartition(place),
  sk: segments("message", messageId),
});

export const sentKey = (place: ChatPlace, sender: string, clientMessageId: string): Key => ({
  pk: chatPartition(place),
  sk: segments("sent", sender, clientMessageId),
});

/** The partition of the calls of a chat. */
export const callPartition = ({ org, projectId, chatId }: ChatPlace): string =>
  segments("call", org, projectId, chatId);

export const callKey = (place: ChatPlace, callerId: string): Key => ({
  pk: callPartition(place),
  sk: callerId,
});

/** The partition of the integrations of a project. */
export const integrationPartition = (org: string, projectId: string): string =>
  segments("integrations", org, projectId);

export const integrationKey = ({ org, projectId, integrationId }: IntegrationPlace): Key => ({
  pk: integrationPartition(org, projectId),
  sk: integrationId,
});

export const usageKey = ({ org, projectId, integrationId }: IntegrationPlace): Key => ({
  pk: segments("integration", org, projectId, integrationId),
  sk: "usage",
});

export const minuteKey = (
  { org, projectId, integrationId }: IntegrationPlace,
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

export const onceKey = (kind: string, id: string): Key => ({
  pk: segments("once", kind, id),
  sk: "once",
});

/** A bucket of tokens, by what they are for and whose they are. */
export const rateKey = (kind: string, owner: readonly string[]): Key => ({
  pk: segments("rate", kind, ...owner),
  sk: "rate",
});

/** The limit of connections that an organisation has of its own. */
export const limitKey = (org: string): Key => ({ pk: segments("limit", org), sk: "connections" });

/** The partition of the places that an organisation's connections take, where it has a limit. */
export const placePartition = (org: string): string => segments("places", org);

export const placeKey = (org: string, place: number): Key => ({
  pk: placePartition(org),
  // As many digits as the largest limit has: sort keys are in the order of their numbers.
  sk: String(place).padStart(8, "0"),
});
