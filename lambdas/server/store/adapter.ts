import type { Asked } from "#server/model/acknowledgement.ts";
import type { RoomKey } from "#server/model/key-range.ts";
import type { LogEntry, Mark, PendingPacket } from "#server/model/packet-log.ts";
import type { Queues, Upgrades, Waits } from "#server/model/polling.ts";
import type { Limited, RateLimit } from "#server/model/rate.ts";
import type {
  Address,
  BinaryPart,
  Checked,
  Connection,
  ConnectionPage,
  DepartedSession,
  DisconnectReason,
  First,
  Listed,
  Member,
  Refused,
  Session,
  SocketKey,
  StoredSession,
  TakeRequest,
} from "#server/model/session.ts";
import type { AppAdapter, Pages } from "./app-adapter.ts";

/** What the server keeps, and how it asks for it: the one place where the store's form is stated. */
export interface Adapter extends AppAdapter {
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly ledger: Ledger;
  readonly rooms: Rooms;
  readonly acknowledgements: Acknowledgements;
  readonly log: Log;
  readonly queues: Queues;
  readonly upgrades: Upgrades;
  readonly waits: Waits;
  readonly binaryParts: BinaryParts;
  readonly slots: Slots;
  readonly rateLimits: RateLimits;
}

/** Transports. Where one does not exist (any more) the answer is `false` or `undefined`. */
export interface Connections {
  /** Nothing where it has ended before. */
  add(connectionId: string, connectedAt: number, handshake?: unknown): Promise<void>;
  /** Of a connection that has ended nothing, unless it did so after `receivedAt`. */
  get(connectionId: string, receivedAt?: number): Promise<Connection | undefined>;
  /** One that has ended included; in a batch, the one kind of read that every function may do. */
  find(connectionId: string): Promise<Connection | undefined>;
  /**
   * Notes a session as one that is reached by a connection. Nothing where its namespace has one, where the
   * connection has lost one after `lostBy`, or too many, or has had none since `idleBy`.
   */
  attach(
    address: Address,
    session: Session,
    times: { readonly lostBy: number; readonly idleBy: number },
  ): Promise<Connection | undefined>;
  /** Notes that a session ends while its connection stays: what was received before `at` is still served. */
  detach(socket: SocketKey, departed: DepartedSession): Promise<void>;
  /** Forgets sessions that ended while it stayed. */
  forget(connectionId: string, departed: readonly SocketKey[]): Promise<void>;
  /** Notes a pong; nothing where the connection is unknown, or still without a session it should have had by then. */
  touch(connectionId: string, now: number, sessionDue: number): Promise<Connection | undefined>;
  /** Notes a part of a binary packet and gives all that are held. */
  addPart(connectionId: string, part: BinaryPart): Promise<readonly BinaryPart[] | undefined>;
  /** Leaves only `rest` of the parts, for the one that has added the part `by`; `false` where they have changed since. */
  takeParts(
    connection: Pick<Connection, "connectionId" | "partChanges">,
    rest: readonly BinaryPart[],
    by: string,
  ): Promise<boolean>;
  /** Ends a connection, also one that is only about to be added, for everyone but the sweep; gives what it knew, once. */
  end(connectionId: string, now: number): Promise<Connection | undefined>;
  /** Forgets one, with its queue and its link. */
  remove(connection: Pick<Connection, "connectionId" | "link">): Promise<void>;
  /** A page of the connections in a shard of the sweep, ended ones included; at most `limit` of them. */
  inShard(shard: number, from?: string, limit?: number): Promise<ConnectionPage>;
}

/** Sockets, and what is kept of each. */
export interface Sessions {
  /** Starts a session, listed in the rooms that it begins in. */
  begin(
    connection: Pick<Connection, "connectionId" | "connectedAt" | "link">,
    nsp: string,
    session: Session,
    first: First,
    receivedAt: number,
  ): Promise<void>;
  /** Nothing where it has ended. */
  get(sid: string): Promise<StoredSession | undefined>;
  /** Of these, all that there are: ended ones included. */
  getAll(sids: readonly string[]): Promise<readonly StoredSession[]>;
  /** Keeps what the application has changed of a session's data. */
  setData(sid: string, data: unknown): Promise<void>;
  /** Ends a session, for everyone but the sweep, and gives what it knew; once. Only if it is still reached, or was lost, like that. */
  end(
    sid: string,
    reason: DisconnectReason,
    still: { readonly connectionId?: string; readonly lostAt?: number },
  ): Promise<StoredSession | undefined>;
  /** Has a connection take a session, as the one that comes back; gives it as it is then, taken or not, if it lives. */
  take(request: TakeRequest): Promise<StoredSession | undefined>;
  /** Notes the rooms that its authentication gives a session from now on. */
  setGiven(sid: string, given: readonly string[]): Promise<void>;
  /** Leaves a packet of a room to the recovery that goes on for a connection; `false` where none does, `full` where too much was left to it. */
  note(
    session: Pick<StoredSession, "sid" | "connectedAt" | "pending">,
    packet: PendingPacket,
  ): Promise<boolean | "full">;
  /**
   * Completes a recovery that has posted what was noted up to now; `replayed` may still be on its way otherwise.
   * All that was over before `floor`, in epoch milliseconds, has been received. Gives the session: it is still `recovering` where more was noted. Nothing where it is no longer this connection's.
   */
  complete(
    session: StoredSession,
    replayed: ReadonlySet<string>,
    floor: number,
  ): Promise<StoredSession | undefined>;
  /** Notes that a session has lost its connection, if it is still this one; gives what it knew. */
  lose(
    sid: string,
    connectionId: string,
    reason: DisconnectReason,
  ): Promise<StoredSession | undefined>;
  /** Has a session that has lost its connection neither come back nor keep its slot; `false` where it has not, or is back. */
  giveUp(session: StoredSession): Promise<boolean>;
  /** Notes that the application is told that a session is away; `false` where it is back, or it was told. */
  markAway(session: StoredSession): Promise<boolean>;
  /** Notes that it has been told that the session is back. */
  markBack(sid: string): Promise<void>;
  /** Whether there are such in a shard. */
  hasLost(shard: number): Promise<boolean>;
  /** A page of the sessions in a shard that have lost their connection, or have ended after that. */
  lostInShard(
    shard: number,
    from: string | undefined,
  ): Promise<{ readonly sessions: readonly StoredSession[]; readonly next?: string | undefined }>;
  /** Forgets sessions that have ended. */
  remove(sids: readonly string[]): Promise<void>;
}

/** What sessions own. Of several commands on one thing the one with the greater stamp wins, however they come. */
export interface Ledger {
  /** Notes rooms, a few at a time; gives those that no later command has decided about, with the session as it was then. */
  claimRooms(
    sid: string,
    rooms: readonly string[],
    stamp: number,
  ): Promise<readonly Claimed[] | Refused>;
  /** Notes rooms as left, a few at a time; gives those that the session had, and those of which there may be an item. */
  releaseRooms(
    sid: string,
    rooms: readonly string[],
    stamp: number,
  ): Promise<Released | "churning">;
  /** Has earlier joins of rooms of a kind that are still under way come to nothing; gives the rooms of it that the session has. */
  supersede(sid: string, kind: string, stamp: number): Promise<readonly string[]>;
  /**
   * Notes something that the application is about to keep at a place of its own, at most so many; `places`
   * are those where it was and may still be, each with the stamp by which it is not. Nothing where a later claim has decided.
   */
  claim(
    sid: string,
    key: string,
    place: string,
    stamp: number,
    max: number,
  ): Promise<
    { readonly stamp: number; readonly places: StoredSession["gone"] } | Refused | undefined
  >;
  /** Forgets what a session released, and which connections it had, so long ago that nothing of that time can still come. */
  purge(session: StoredSession): Promise<void>;
}

/** Rooms that a session has noted, and how it was reached then. */
export interface Claimed {
  readonly rooms: readonly string[];
  readonly session: StoredSession;
}

/** Rooms that a session has noted as left: those that it had, and those of which there may be an item. */
export interface Released {
  readonly had: readonly string[];
  readonly known: readonly string[];
  /** Nothing where it has no such room. */
  readonly session?: StoredSession | undefined;
}

/** Who is in which room of which tenant's namespace. */
export interface Rooms extends Pages {
  /** Those of these sockets that a room lists. */
  among(room: RoomKey, sids: readonly string[]): Promise<readonly Listed[]>;
  /** Puts a socket into rooms; gives those about which no later command has decided. */
  join(
    member: Member,
    rooms: readonly string[],
    receivedAt: number,
  ): Promise<readonly string[] | Refused>;
  /** Takes a socket out of rooms and gives those it was in. */
  leave(
    member: Listing,
    rooms: readonly string[],
    receivedAt: number,
  ): Promise<readonly string[] | "churning">;
  /** Has the rooms of a session list it, as its record says; never in place of what a later command has put. */
  list(session: StoredSession): Promise<void>;
  /** Has a room list a socket as one that may be posted to. */
  settle(listing: RoomKey & Pick<Listed, "sid" | "connectedAt">): Promise<void>;
  /** Takes a socket off the lists of rooms, as one of connections made at these times, and nothing more. */
  erase(member: Listing, rooms: readonly string[], epochs: readonly number[]): Promise<void>;
}

/** Where a room lists a socket. */
export type Listing = Pick<Member, "sid" | "tenant" | "nsp">;

export interface Acknowledgements {
  /** Notes which sockets are asked to acknowledge something; before they are. */
  ask(asked: Asked, sids: readonly string[]): Promise<void>;
  /** Keeps the acknowledgement of a socket, the first one, if it was asked. */
  put(asked: Asked, sid: string, value: unknown): Promise<"kept" | "not_asked" | "too_large">;
  /** What has come of these sockets, by socket. */
  get(asked: Asked, sids: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
}

/** The logs of the rooms. */
export interface Log {
  append(entries: readonly LogEntry[]): Promise<void>;
  remove(entries: readonly Pick<LogEntry, "room" | "id" | "closes">[]): Promise<void>;
  mark(marks: readonly Mark[]): Promise<void>;
  /**
   * What was broadcast from a time on, in epoch milliseconds, and all marks that speak of a session;
   * nothing where that is more than one read gives.
   */
  read(
    room: RoomKey,
    from: number,
    sid: string,
  ): Promise<
    { readonly entries: readonly LogEntry[]; readonly marks: readonly Mark[] } | undefined
  >;
  /** Those of these that there are. */
  get(wanted: readonly Pick<LogEntry, "room" | "id">[]): Promise<readonly LogEntry[]>;
  /** What has disconnected the sockets of rooms, for as long as somebody may come back, and as far as one read gives it. */
  ends(): Promise<readonly LogEntry[]>;
}

/** The contents of binary packets' parts until the packets are complete. */
export interface BinaryParts {
  put(connectionId: string, part: BinaryPart, content: string | Buffer): Promise<void>;
  /** Gives the contents in the order asked for and deletes them. */
  take(connectionId: string, parts: readonly BinaryPart[]): Promise<readonly (string | Buffer)[]>;
  erase(connectionId: string, parts: readonly BinaryPart[]): Promise<void>;
}

/** The connection slots of a tenant whose connections are limited: each is one connection's. */
export interface Slots {
  /** Acquires a slot below the limit; nothing where all are held by connections that live. */
  acquire(tenant: string, socket: SocketKey, limit: number): Promise<number | undefined>;
  /** Keeps a slot for a socket that has come back, if it is still this one's. */
  refresh(tenant: string, slot: number, socket: SocketKey): Promise<void>;
  /** Releases a slot, once, if it is still this socket's. */
  release(tenant: string, slot: number, socket: Pick<SocketKey, "sid">): Promise<void>;
}

/** Credentials that admit nobody any more, and tenants' own limits of connections. */
export interface Revocations {
  /** Whether one of these credentials is revoked; in the same read, the tenant's own limit and the connection. */
  check(tenant: string, credentials: readonly string[], connectionId?: string): Promise<Checked>;
  add(tenant: string, credential: string): Promise<void>;
  /** Takes a revocation back. */
  remove(tenant: string, credential: string): Promise<void>;
  /** Gives a tenant a limit of its own; 0 takes it away. */
  limit(tenant: string, connections: number): Promise<void>;
}

/** Token buckets that all functions share. */
export interface RateLimits {
  /** Takes a token; gives nothing where there was one. */
  take(limit: RateLimit): Promise<Limited | undefined>;
}
