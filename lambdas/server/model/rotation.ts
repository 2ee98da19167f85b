import { hash } from "node:crypto";

const MINUTE = 60_000;

/**
 * The ages at which connections are rotated, in milliseconds. API Gateway cuts them at two hours: those
 * that were opened together, after a deployment of their clients, would all come back in the same minute.
 */
export const ROTATION = { minAge: 95 * MINUTE, maxAge: 115 * MINUTE } as const;

/** Milliseconds by which a visit may come after the minute that it is scheduled for. */
const MAX_DELAY = MINUTE;

/** A connection, and when API Gateway accepted it, in epoch milliseconds. */
interface Visited {
  readonly connectionId: string;
  readonly connectedAt: number;
}

/**
 * Whether the heartbeat is to close a connection that it visits for the scheduled minute (epoch
 * milliseconds), and visits every so many minutes. Of the visits between the two ages each is as likely as
 * any other to be the first for which it is; it stays so for all later ones, should that one fail.
 */
export function isDueForRotation(
  { connectionId, connectedAt }: Visited,
  scheduledTime: number,
  minutes: number,
): boolean {
  const interval = minutes * MINUTE;
  const age = scheduledTime - connectedAt;
  if (age < ROTATION.minAge) return false;
  const before = Math.floor((age - ROTATION.minAge) / interval);
  const after = Math.floor((ROTATION.maxAge - MAX_DELAY - age) / interval);
  return fractionOf(connectionId) * (before + 1 + after) < before + 1;
}

/** From 0 (inclusive) to 1 (exclusive), the same for the same id: ids of one moment hardly differ, their hashes do. */
const fractionOf = (connectionId: string): number =>
  Number.parseInt(hash("sha256", connectionId, "hex").slice(0, 8), 16) / 2 ** 32;
