/** What AWS bills by use, each in the unit that is billed. */
const COUNTS = [
  // Frames of WebSocket connections, in and out.
  "messages",
  "connectionMinutes",
  // Requests of the HTTP APIs.
  "httpRequests",
  // Requests that reach CloudFront, each of which runs its function, and bytes to clients and to the APIs.
  "edgeRequests",
  "edgeBytesOut",
  "edgeBytesIn",
  "invocations",
  "gigabyteSeconds",
  "readUnits",
  "writeUnits",
  "logBytes",
  "busEvents",
] as const;

/** What AWS would bill of what the local AWS has done. */
export type Usage = Readonly<Record<(typeof COUNTS)[number], number>>;

/** Usage whose numbers are made from their names. */
export const usageOf = (numberOf: (name: keyof Usage) => number): Usage =>
  Object.fromEntries(COUNTS.map((name) => [name, numberOf(name)])) as Usage;

/** How many units of this size are billed for some bytes: at least one. */
export const increments = (bytes: number, size: number): number =>
  Math.max(1, Math.ceil(bytes / size));

/** Counts what is used. */
export interface Meter {
  count(used: Partial<Usage>): void;
  /** What was used since the last call. */
  take(): Usage;
}

/** A meter that begins at zero. */
export function createMeter(): Meter {
  const total = new Map<string, number>();
  return {
    count(used) {
      for (const [name, number] of Object.entries(used))
        total.set(name, (total.get(name) ?? 0) + number);
    },
    take() {
      const taken = usageOf((name) => total.get(name) ?? 0);
      total.clear();
      return taken;
    },
  };
}
