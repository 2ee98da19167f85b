import type { Identity } from "#mudbase/model/identity.ts";
import type { Room } from "./room.ts";

/** What is remembered of one WebSocket between its frames. */
export interface Connection {
  readonly connectionId: string;
  /** Epoch milliseconds at which API Gateway accepted the connection. */
  readonly connectedAt: number;
  /** Who the token of the handshake's header or query names; used where CONNECT brings no token. */
  readonly handshake?: Identity | undefined;
  /** The Socket.IO session, from CONNECT on. */
  readonly session?: Session | undefined;
  readonly rooms: readonly Room[];
  /** Rooms left not long ago, which may list the socket again where a join was under way. */
  readonly left: readonly Room[];
  /** Epoch milliseconds of the last leave. */
  readonly leftAt?: number | undefined;
  /** Epoch milliseconds of the last pong, or of the connection itself. */
  readonly lastSeenAt: number;
  /** The place it takes among its organisation's connections, where those are limited. */
  readonly place?: number | undefined;
  /** Epoch milliseconds at which it was ended: for everyone but the sweep it exists no more. */
  readonly endedAt?: number | undefined;
  /** Live queries by `queryId`, each with the collection it watches. */
  readonly queries: Readonly<Record<string, QueryPlace>>;
  /** Where each live query was before it was replaced. */
  readonly previousQueries: Readonly<Record<string, QueryPlace>>;
  /** Pieces of binary packets that are not complete yet. */
  readonly pieces: readonly Piece[];
  /** Goes up with every change of `pieces`, so that two functions cannot take the same ones. */
  readonly pieceChanges: number;
}

/** A Socket.IO session: `id` is public and random, never the connection id. */
export interface Session {
  readonly id: string;
  readonly identity: Identity;
}

/** The collection a live query watches. */
export interface QueryPlace {
  readonly projectId: string;
  readonly collectionId: string;
}

/** One frame of a binary packet: its header, which announces attachments, or one attachment. */
export interface Piece {
  /** Unique among the pieces of the connection. */
  readonly id: string;
  /** Epoch milliseconds at which API Gateway received the frame. */
  readonly receivedAt: number;
  readonly bytes: number;
  /** How many attachments the header announces; absent for an attachment. */
  readonly attachments?: number | undefined;
}

/** A socket as the rooms know it. */
export interface Member {
  readonly connectionId: string;
  readonly org: string;
  readonly userId: string;
  readonly projects: Identity["projects"];
}

/** A socket as a room lists it; its own user's room also knows the projects its token grants. */
export interface Listed {
  readonly connectionId: string;
  readonly userId: string;
  readonly projects?: Identity["projects"] | undefined;
}

/** What became of a join: `full` where the socket may hold no more, `gone` where it is no more. */
export type JoinResult = "joined" | "full" | "gone";

/** The member behind a session. */
export const memberOf = (connectionId: string, { org, userId, projects }: Identity): Member => ({
  connectionId,
  org,
  userId,
  projects,
});
