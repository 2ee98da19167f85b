/** What is counted; `docs/operations.md` says what each means. */
export const METRICS = [
  "ConnectionsOpened",
  "ConnectionsClosed",
  "Events",
  "Posts",
  "PostsFailed",
  "Management5xx",
  "RequestsFailed",
  "FanOutsFailed",
  "ChangesFailed",
  "Gone",
  "FanOut",
  "FanOutDuration",
  "Pinged",
  "Evicted",
  "Rotated",
  "CleanedUp",
  "SweepFailures",
] as const;
/** The name of what is counted. */
export type Metric = (typeof METRICS)[number];

/** What those who operate a function read, and nobody else. */
export interface Logs {
  /** A line in the log. */
  note(message: string, details: object): void;
  /** The one line for something that went wrong. */
  fail(message: string, error: unknown, details?: object): void;
  /** Adds to every line until the end of this invocation. */
  about(details: object): void;
}

/** The logs, and what is counted. */
export interface Telemetry extends Logs {
  /** Where there are dimensions, the metric is counted once by each of them. */
  count(metric: Metric, value?: number, dimensions?: Readonly<Record<string, string>>): void;
}

/** What an event's name begins with: CloudWatch bills each metric, and whole names would be hundreds. */
export const domainOf = (event: string): string => event.split(":")[0] ?? event;
