import type { QueryPlace } from "#model/connection.ts";
import type { Room } from "#model/room.ts";
import { segments } from "#model/segments.ts";

/** The primary key of an item. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

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

export const queryKey = (
  org: string,
  { projectId, collectionId }: QueryPlace,
  connectionId: string,
  queryId: string,
): Key => ({
  pk: segments("query", org, projectId, collectionId),
  sk: segments(connectionId, queryId),
});

export const revocationKey = (
  org: string,
  kind: "user" | "session" | "token",
  id: string,
): Key => ({ pk: segments("revoked", org, kind, id), sk: "revoked" });
