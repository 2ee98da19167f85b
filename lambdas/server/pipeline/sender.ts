import type { BeforeSend } from "#server/app.ts";
import type { KeyRange } from "#server/model/key-range.ts";
import type { DisconnectReason, SocketKey, StoredSession } from "#server/model/session.ts";
import type { Emission, EmitBuffer } from "#server/socket/emit-buffer.ts";
import type { Carried } from "./end.ts";

/** Told which sockets are asked to acknowledge something, and whether those are all. */
export type Ready = (to: {
  readonly asked: readonly string[];
  readonly isAll: boolean;
}) => Promise<void>;

export interface SendOptions {
  /** Done while the audience is found, before a packet leaves or a socket is moved; where it fails, so does this. */
  readonly beforeSend?: BeforeSend | undefined;
  /** The sockets that are meant, where other functions take care of the rest. */
  readonly range?: KeyRange;
  /** Called once the audience is known, before the first post. */
  readonly ready?: Ready | undefined;
  /** Sockets of each room that one function takes care of. Default: as deployed. */
  readonly pageSize?: number | undefined;
}

/** Some packets could not be posted, or some sockets not ended; the others have been. */
export class UndeliveredError extends AggregateError {
  override readonly name = "UndeliveredError";

  constructor(failures: readonly unknown[]) {
    super(failures, `${failures.length} packets could not be posted, or sockets not ended`, {
      cause: failures[0],
    });
  }
}

/** Some sockets could not be moved; all others have got what was for them. */
export class UnmovedError extends AggregateError {
  override readonly name = "UnmovedError";

  constructor(failures: readonly unknown[]) {
    super(failures, "some sockets could not be moved", { cause: failures[0] });
  }
}

/** Sends packets, and ends sockets: whatever ends one, or is found to have ended, comes through here. */
export interface Sender {
  /** An empty buffer. */
  newBuffer(): EmitBuffer;
  /**
   * Posts emissions, then ends the sockets that are gone or that they end. Throws an `UndeliveredError`
   * once all is done where some of that failed, or an `UnmovedError` where some socket could not be moved; throws anything
   * else before the first post.
   */
  send(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** The same; failed posts are logged, as a second try would reach those again whom the first one has. */
  sendOrLog(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** Ends a connection that is gone, with all that cannot come back of it; doing it twice does no harm. */
  disconnect(connectionId: string): Promise<void>;
  /** Ends one socket; its connection stays, and what was received before `at` is still served. */
  disconnectSocket(socket: SocketKey, at: number): Promise<void>;
  /** Does again what was to be done for a connection's sockets that have ended, or lost it: what an earlier try left included. */
  clear(connection: Carried): Promise<void>;
  /** The same for a session that has ended without a connection. */
  clearEnded(session: StoredSession): Promise<void>;
  /** Ends a session that has lost its connection and has not come back. */
  endLost(session: StoredSession): Promise<void>;
  /** Has the application tell others that a session is away, or back. */
  callAwayHook(change: "onAway" | "onBack", session: StoredSession): Promise<void>;
  /** Tells a socket that its session has expired, and cuts its connection. */
  expire(socket: SocketKey): Promise<void>;
  /** Ends a connection that breaks the protocol, with its sockets, and cuts it; the reason is for the log. */
  close(connectionId: string, reason: string): Promise<void>;
  /** Cuts a connection that its client has closed: what waits for it is discarded. */
  drop(connectionId: string): Promise<void>;
  /** Leaves a session, that a connection has taken and does not get, to the next one, or to its end. */
  lose(session: StoredSession): Promise<void>;
  /** Leaves a session, that a connection has taken and not got, to the next one; cuts the connection. */
  abandon(session: StoredSession, reason: string): Promise<void>;
  /** Cuts a connection whose sockets may come back by another. */
  cut(connectionId: string, reason: string, as?: DisconnectReason): Promise<void>;
}
