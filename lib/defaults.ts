import { TRANSPORTS } from "./transports.ts";

/** How a server is deployed if nothing else is said; the settings of `bin/app.ts` have the same defaults. */
export const DEFAULTS = {
  /** MiB. */
  memorySize: 512,
  /** MiB: it waits most of its time. */
  pollingMemorySize: 256,
  transports: TRANSPORTS,
  /** Days. */
  logRetention: 30,
  /** Below the quota of every region: 2,500 a second, 1,250 at once. */
  requestsPerSecond: 2000,
  deletionProtection: true,
  tracing: false,
  accessLogs: false,
  gatewayLogRole: false,
} as const;

/** The least and the most that some numbers of a deployment may be. */
export const BOUNDS = {
  /** MiB. */
  memorySize: [128, 10_240],
  socketConcurrency: [1, 100_000],
  heartbeatConcurrency: [1, 100_000],
  // A GET that waits, the client's POST, and the one that acknowledges what a handler of that asks.
  pollingConcurrency: [3, 100_000],
  requestsPerSecond: [1, 1_000_000],
} as const;
