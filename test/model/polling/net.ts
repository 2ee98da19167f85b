/** A GET on its way: an answer to its first attempt is not passed on once there is another. */
interface Get {
  attempt: number;
  /** How many attempts of it were received. */
  received: number;
  answer?: readonly string[] | undefined;
  isRefused?: boolean;
  isReceived?: boolean;
}

/** The client, and what is under way between it and the server. */
export interface Net {
  readonly client: {
    isAlive: boolean;
    received: string[];
    /** Whether it waits for a GET. */
    isPolling: boolean;
    /** Whether it sends no more GETs, because its probe was answered. */
    isPausing: boolean;
    /** Whether it has sent `5`; not set before it could. */
    hasUpgraded?: boolean;
    /** Whether its WebSocket connection is gone. */
    isUnlinked?: boolean;
    /** What it was answered that must not be. */
    wrong?: string;
  };
  readonly gets: Record<number, Get>;
  /** Goes on by one with each request that is received. */
  clock: number;
  /** Whether some packet was not taken: what was known to be gone, or full. */
  isRefused?: boolean;
}

export const newNet = (): Net => ({
  client: { isAlive: true, received: [], isPolling: false, isPausing: false },
  gets: {},
  clock: 0,
});

/** What both ends say last. */
const CLOSE = "1";
const NOOP = "6";

/** The client reads packets: one by which the server closes is the last. */
export function readPackets({ client }: Net, packets: readonly string[]): void {
  for (const packet of packets) {
    if (!client.isAlive) client.wrong = `${packet} after the last packet`;
    if (packet === CLOSE) client.isAlive = false;
    else if (packet !== NOOP) client.received.push(packet);
  }
}

/** The WebSocket connection is cut: a client that has upgraded is cut with it. */
export function cutLink({ client }: Net): void {
  client.isUnlinked = true;
  if (client.hasUpgraded) client.isAlive = false;
  else client.isPausing = false;
}
