/** Who is behind a socket, as the application's authentication found out. */
export interface Identity<Data = unknown> {
  /** Keeps rooms, limits and logs apart; "" where there is one tenant. */
  readonly tenant: string;
  readonly userId: string;
  /** What the application keeps with the socket. */
  readonly data: Data;
  /** Epoch seconds at which the session ends by itself, if it does. */
  readonly expiresAt?: number | undefined;
}

/** A Socket.IO session: its `id` (`sid`) is public and random, never the connection id. */
export interface Session<Data = unknown> extends Identity<Data> {
  readonly id: string;
}

/** Where a socket is reached: a namespace on a connection. */
export interface Address {
  readonly connectionId: string;
  readonly nsp: string;
}

/** One socket: a session, and where it is reached. */
export interface SocketKey extends Address {
  readonly sid: string;
}

/** The namespace that every client begins with. */
export const MAIN = "/";

/** What is remembered of a connection, which is a transport and no more. */
export interface Connection {
  readonly connectionId: string;
  /** Epoch milliseconds at which API Gateway accepted it. */
  readonly connectedAt: number;
  /** What the application keeps of the handshake until CONNECT. */
  readonly handshake?: unknown;
  /** Epoch milliseconds since which it has had no socket, or of the connection itself. */
  readonly idleSince: number;
  /** Sessions that have ended while it stayed, by their ids: what was received before that is still served. */
  readonly departed: Readonly<Record<string, DepartedSession>>;
  /** Epoch milliseconds of the last pong, or of the connection itself. */
  readonly lastSeenAt: number;
  /** The sessions that are reached by it, by namespace, as they were when they began. */
  readonly sockets: Readonly<Record<string, Session>>;
  /** Epoch milliseconds at which it was ended: for everyone but the sweep it exists no more. */
  readonly endedAt?: number | undefined;
  /** The WebSocket connection that has taken over, where it has begun with polling. */
  readonly link?: string | undefined;
  /** Set where it is one that may take over, or has, from this connection: it has nothing of its own. */
  readonly owner?: string | undefined;
  /** Parts of binary packets that are not complete yet. */
  readonly parts: readonly BinaryPart[];
  /** Goes up with every change of `parts`, so that two functions cannot take the same ones. */
  readonly partChanges: number;
}

/** Some connections; `next` is there where there are more. */
export interface ConnectionPage {
  readonly connections: readonly Connection[];
  readonly next?: string | undefined;
}

/** A session that ended while its connection stayed, in epoch milliseconds. */
export interface DepartedSession {
  readonly nsp: string;
  readonly session: Session;
  /** When API Gateway received what ended it. */
  readonly receivedAt: number;
  readonly detachedAt: number;
}

/** The sockets of a connection. */
export const socketsOf = ({
  connectionId,
  sockets,
}: Pick<Connection, "connectionId" | "sockets">): readonly SocketKey[] =>
  Object.entries(sockets).map(([nsp, { id: sid }]) => ({ sid, connectionId, nsp }));

/** The sockets that it had and that ended while it stayed. */
export const departedOf = ({
  connectionId,
  departed,
}: Pick<Connection, "connectionId" | "departed">): readonly (SocketKey & DepartedSession)[] =>
  Object.entries(departed).map(([sid, one]) => ({ sid, connectionId, ...one }));

/** What is kept of a socket from CONNECT to its end. */
export interface StoredSession extends SocketKey {
  readonly session: Session;
  /** The link by which its connection is reached, if it has one. */
  readonly link?: string | undefined;
  /** When API Gateway accepted its connection, in epoch milliseconds: rooms list it under this. */
  readonly connectedAt: number;
  /** The same of all connections under which something of it may still be listed, each with when that took the session. */
  readonly epochs: ReadonlyMap<number, number>;
  readonly state: SessionState;
  /** What proves that a client may come back to it; not where none may. */
  readonly pid?: string | undefined;
  /** Epoch milliseconds at which it began. */
  readonly beganAt: number;
  /** Epoch milliseconds since which it has been in a room, by its rooms; not where nobody comes back. */
  readonly since: ReadonlyMap<string, number>;
  /** Its tags, by the room that lists them. */
  readonly tags?: Readonly<Record<string, Tags>> | undefined;
  /** Epoch milliseconds at which it lost its connection, or last began to take another. */
  readonly lostAt?: number | undefined;
  /** Set where the application has been told that it is away. */
  readonly isAway?: boolean | undefined;
  /** Socket.IO's reason for its end, or for the loss of its connection. */
  readonly reason?: DisconnectReason | undefined;
  /** The connection before the one that it takes or has taken. */
  readonly previous?: Previous | undefined;
  /** The connection whose recovery, or CONNECT, is complete, by its `connectedAt`; and when that was. */
  readonly completed: number;
  readonly completedAt: number;
  /** Epoch milliseconds before which all that was over has been received. */
  readonly floor?: number | undefined;
  /** Packets that were left to its recovery: each is the JSON of `[room, id, field, isShared]`. */
  readonly pending: ReadonlySet<string>;
  /** The ids of packets that its recovery has posted, and that may still be on their way otherwise. */
  readonly replayed: ReadonlySet<string>;
  readonly rooms: readonly string[];
  /** Rooms that its authentication has given it. */
  readonly given?: readonly string[] | undefined;
  /** The stamp of each room that it is in. */
  readonly roomStamps: ReadonlyMap<string, number>;
  /** Rooms left not long ago, which may list the socket where something broke off. */
  readonly left: readonly string[];
  /** The slot it takes among its tenant's connections, where those are limited. */
  readonly slot?: number | undefined;
  /** Epoch milliseconds at which it was ended: for everyone but the sweep it exists no more. */
  readonly endedAt?: number | undefined;
  /** What the application keeps elsewhere for this socket. */
  readonly claims: readonly (Claim & { readonly stamp: number })[];
  /** What it has kept elsewhere not long ago. */
  readonly gone: readonly (Claim & { readonly stamp: number })[];
  /** When it has released what it left or gave up not long ago, by a note of what that was: the stamps. */
  readonly released: ReadonlyMap<string, number>;
}

/** Whether a session is reached by its connection, takes another one, or has lost it. */
export type SessionState = "connected" | "recovering" | "detached";

/** The connection that a session had before another, and how it left it. */
export interface Previous {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly state: SessionState;
}

/** Socket.IO's reasons, as a server knows them. */
export type DisconnectReason =
  | "client namespace disconnect"
  | "server namespace disconnect"
  | "transport close"
  | "ping timeout";

/** The socket of a session, as an application knows it. */
export const socketIn = ({ connectionId, nsp, session }: StoredSession) => {
  const { id, tenant, userId, data } = session;
  return { id, tenant, userId, data, connectionId, nsp };
};

/** Something that an application keeps elsewhere for a socket: under a key of the socket's, at a place of its own. */
export interface Claim {
  readonly key: string;
  readonly place: string;
}

/** One frame of a binary packet: its header, which announces attachments, or one attachment. */
export interface BinaryPart {
  /** Unique among the parts of the connection. */
  readonly id: string;
  /** Epoch milliseconds at which API Gateway received the frame. */
  readonly receivedAt: number;
  readonly bytes: number;
  /** How many attachments the header announces; absent for an attachment. */
  readonly attachments?: number | undefined;
}

/** Words by which broadcasts choose among the members of a room; `*` has all. */
export type Tags = "*" | readonly string[];

/** A socket as the rooms know it. */
export interface Member {
  readonly sid: string;
  readonly tenant: string;
  readonly nsp: string;
  readonly userId: string;
}

/** A socket as a room lists it. */
export interface Listed {
  readonly sid: string;
  readonly connectionId: string;
  /** When API Gateway accepted that connection: of several entries of one session the latest counts. */
  readonly connectedAt: number;
  /** Set where only its session knows whether it may be posted to. */
  readonly isRecovering?: boolean | undefined;
  /** The link by which its connection is reached, if it has one and this is known. */
  readonly link?: string | undefined;
  readonly userId: string;
  readonly tags?: Tags | undefined;
}

/** Why a socket cannot have something: it may hold no more, it has released too much of late, or it is no more. */
export type Refused = "full" | "churning" | "gone";

/** The kind of a room: what its name begins with, up to the first `#`. */
export const kindOf = (room: string): string => room.split("#", 1)[0] ?? room;

/** Who comes back to a session, and how it is reached from now on. */
export interface TakeRequest {
  readonly sid: string;
  readonly pid: string;
  readonly nsp: string;
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly identity: Identity;
  /** A hash of what must be as it was. */
  readonly identityHash: string;
  /** Sessions that were lost before this may not come back, in epoch milliseconds. */
  readonly lostAfter: number;
}

/** What a session has from the start. */
export interface First {
  readonly rooms: readonly string[];
  /** Those of them that its authentication has given it. */
  readonly given?: readonly string[];
  /** Its tags, by the room that lists them. */
  readonly tags?: Readonly<Record<string, Tags>> | undefined;
  readonly slot?: number | undefined;
  /** What a client comes back with, and a hash of what must be as it was then. */
  readonly pid?: string | undefined;
  readonly identityHash?: string | undefined;
}

/** What one read finds out about who connects. */
export interface Checked {
  readonly isRevoked: boolean;
  /** The tenant's own limit of connections. */
  readonly connectionLimit?: number | undefined;
  /** The connection, where it was asked for. */
  readonly connection?: Connection | undefined;
}
