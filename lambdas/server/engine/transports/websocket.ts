import type { PostResult } from "#server/model/transport.ts";

const FIRST_WAIT = 10;
const LONGEST_WAIT = 640;
const BUDGET = 5000;

/** Milliseconds for which the stock client waits for its connection; then it has given up. */
const CLIENT_TIMEOUT = 20_000;

/** A connection that waits for the OPEN packet. */
export interface PendingOpen {
  readonly connectionId: string;
  /** Epoch milliseconds at which API Gateway accepted the connection. */
  readonly connectedAt: number;
  /** What the application's `handshake` has kept of the upgrade. */
  readonly handshake?: unknown;
}

/**
 * Posts the OPEN packet as soon as API Gateway lets it through: until `$connect` has returned every
 * post is answered 410, so it is tried again after 10, 20, 40 … ms, for 5 s in all, and never once
 * the client has given up: that is `late`.
 */
export async function postOpen(
  { connectionId, connectedAt }: PendingOpen,
  frame: string,
  {
    post,
    pause,
    now,
  }: {
    readonly post: (connectionId: string, frame: string) => Promise<PostResult>;
    readonly pause: (milliseconds: number) => Promise<unknown>;
    readonly now: () => number;
  },
): Promise<"sent" | "gone" | "late"> {
  let waited = 0;
  for (
    let wait = FIRST_WAIT;
    now() - connectedAt < CLIENT_TIMEOUT;
    wait = Math.min(wait * 2, LONGEST_WAIT)
  ) {
    if ((await post(connectionId, frame)) === "sent") return "sent";
    if (waited >= BUDGET) return "gone";
    await pause(wait);
    waited += wait;
  }
  return "late";
}
