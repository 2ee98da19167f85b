import { hash } from "node:crypto";

/** What became of a frame posted to a connection: gone is API Gateway's 410, too large its 413. */
export type PostResult = "sent" | "gone" | "too_large";

/** The way to clients by WebSocket. */
export interface Transport {
  /** Posts a frame, as often as it takes; no try begins after `latest`, in epoch milliseconds. */
  post(connectionId: string, frame: string, latest?: number): Promise<PostResult>;
  /** Cuts a connection; one that is gone already is just that. */
  close(connectionId: string): Promise<void>;
}

/** The way to clients of both transports: a client that polls and is cut still gets what waits. */
export interface Transports extends Pick<Transport, "close"> {
  /** Posts the frames of a packet so; to a client that polls with nothing between them, where they fit into its queue at once. */
  post(connectionId: string, frames: readonly string[], latest?: number): Promise<PostResult>;
  /** Cuts a connection, and discards what waits. */
  discard(connectionId: string): Promise<void>;
}

/** What no connection id of API Gateway's begins with. */
const POLLING = "poll:";

/**
 * The connection id of a client that began with polling, by its Engine.IO session id: it keeps it when it upgrades.
 * A hash, because whoever knows the session id is the client, and connection ids are stored and logged.
 */
export const pollingId = (sid: string): string =>
  `${POLLING}${hash("sha256", sid, "base64url").slice(0, 20)}`;

export const isPolling = (connectionId: string): boolean => connectionId.startsWith(POLLING);
