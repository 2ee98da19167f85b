import type { RoomKey } from "./key-range.ts";
import type { Connection, Listed } from "./session.ts";

/**
 * `probing`: a WebSocket connection asks whether it may take over. `flushing`: it takes over, once what waits was
 * posted to it. `closing`: what waits is the last that the client gets.
 */
export type QueueState = "polling" | "probing" | "flushing" | "upgraded" | "closing" | "closed";

/** States in which a GET may be answered with what waits. */
export const DRAINABLE: readonly QueueState[] = ["polling", "probing", "closing"];

type Stated = Pick<Queue, "state">;

/** Whether a GET may be answered with what waits. */
export const isDrainable = ({ state }: Stated): boolean => DRAINABLE.includes(state);

/** Whether its client polls, as far as it is known. */
export const polls = ({ state }: Stated): boolean => state === "polling" || state === "probing";

/** Whether a WebSocket connection has taken over, or takes over now. */
export const isTakenOver = ({ state }: Stated): boolean =>
  state === "flushing" || state === "upgraded";

export const hasEnded = ({ state }: Stated): boolean => state === "closing" || state === "closed";

/** Whether the server has ended it, and its client has received all that waited. */
export const isDrained = ({ state, packets }: Pick<Queue, "state" | "packets">): boolean =>
  state === "closing" && packets.length === 0;

/** Milliseconds for which a WebSocket connection that has probed may upgrade, before another may probe. */
export const UPGRADE_TIMEOUT = 10_000;

/** Whether a WebSocket connection has probed, and may still upgrade: no other one may meanwhile. */
export const isProbed = (
  { state, probedAt = 0 }: Pick<Queue, "state" | "probedAt">,
  now: number,
): boolean => state === "probing" && now - probedAt < UPGRADE_TIMEOUT;

/** Packets that one GET is answered with: python-engineio takes a payload of more for an error, and closes. */
export const MAX_SENT = 16;

/** Bytes that may wait for a client: one packet of the largest, and some besides. */
export const MAX_WAITING = 163_840;

export const bytesOf = (packets: readonly string[]): number =>
  packets.reduce((bytes, packet) => bytes + Buffer.byteLength(packet), 0);

/** What waits for a client that polls, or has polled. */
export interface Queue {
  readonly state: QueueState;
  /** Encoded packets that wait, in their order. */
  readonly packets: readonly string[];
  /** Those that the last GET was answered with, until the next one shows that they have arrived. */
  readonly sent: readonly string[];
  /** The request that may take what waits. */
  readonly poll?: string | undefined;
  /** Epoch milliseconds at which API Gateway received that. */
  readonly pollAt?: number | undefined;
  /** The WebSocket connection that probes, or has taken over. */
  readonly link?: string | undefined;
  /** Epoch milliseconds at which it began to probe. */
  readonly probedAt?: number | undefined;
}

/** One GET. */
export interface Poll {
  /** The client's own name for it, which is the same where a proxy or a browser repeats it. */
  readonly key: string;
  readonly request: string;
  /** Epoch milliseconds at which API Gateway received it. */
  readonly at: number;
}

/** What became of packets for a client that polls. */
export type Appended =
  | "appended"
  | "full"
  /** A GET has come since this began. */
  | "overtaken"
  /** It has ended. */
  | "gone"
  /** It has not asked for long, or what was to flush it has died. */
  | "dead"
  /** The WebSocket connection that has taken over. */
  | { readonly link: string };

/**
 * What became of a WebSocket connection that is to take over. `flushing`: another function posts what waits.
 * `closed`: it was given the last packets, and is to be cut. `unprobed`: nothing probes, or does so no more.
 * `refused`: another one has probed, or the session has ended.
 */
export type Upgraded = "upgraded" | "flushing" | "closed" | "unprobed" | "refused";

/** The queues of clients that poll, by their connection ids. */
export interface Queues {
  /** Begins one, with its connection. */
  open(connectionId: string, connectedAt: number, handshake: unknown): Promise<void>;
  /** Appends all of these packets or none; the same `id` again does nothing. */
  append(connectionId: string, packets: readonly string[], id: string): Promise<Appended>;
  /** Has a GET be the one that may take what waits, and take it; nothing where there is no such queue for it. */
  arrive(connectionId: string, poll: Poll): Promise<Queue | undefined>;
  /** Takes what waits; nothing where another GET, an upgrade or an end came first. */
  take(connectionId: string, request: string): Promise<readonly string[] | undefined>;
  /** As it may have been a moment ago. */
  peek(connectionId: string): Promise<Queue | undefined>;
  find(connectionId: string): Promise<Queue | undefined>;
  /** Whether a WebSocket connection may take over. */
  probe(connectionId: string, link: string): Promise<boolean>;
  /** A WebSocket connection that has probed is no more; `false` where it does not probe. */
  unprobe(connectionId: string, link: string): Promise<boolean>;
  /**
   * Has a WebSocket connection take over; what waits is posted before, in its order. Throws where it is not known
   * what was posted: the queue must be closed then.
   */
  upgrade(
    connectionId: string,
    link: string,
    post: (packet: string) => Promise<void>,
  ): Promise<Upgraded>;
  /**
   * Ends one; gives the WebSocket connection that is to be cut. With a `last` packet a client that polls still gets
   * what waits, and that.
   */
  close(connectionId: string, last?: string): Promise<string | undefined>;
  /** Closes one whose client has received all that waited, and receives the close packet. */
  drained(connectionId: string): Promise<void>;
}

/** The GETs that wait, where their number is limited. */
export interface Waits {
  /** Takes a slot for a request, for so many milliseconds at most; nothing where none was found. */
  acquire(slots: number, request: string, milliseconds: number): Promise<number | undefined>;
  release(slot: number, request: string): Promise<void>;
}

/** What is known of the links of clients that have begun with polling; whoever does not find it asks their queues. */
export interface Upgrades {
  /** Adds a WebSocket connection of a client that polls, its `owner`: it may take over. */
  add(link: string, connectedAt: number, owner: string): Promise<void>;
  /** Notes that a link has taken over: from now on its owner looks after it. Gives the owner; nothing where that has ended. */
  note(link: string, owner: string): Promise<Connection | undefined>;
  /** Leaves a link that has taken over to its owner: the sweep visits it no more. */
  keep(link: string): Promise<void>;
  /** Notes by which link a session is reached, if it is still this connection's. */
  noteSession(sid: string, connectionId: string, link: string): Promise<void>;
  /** Has rooms list by which link members are reached. */
  noteMembers(
    members: readonly (RoomKey & Pick<Listed, "sid" | "connectedAt">)[],
    link: string,
  ): Promise<void>;
}
