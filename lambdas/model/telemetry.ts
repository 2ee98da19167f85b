/** What is counted; `docs/operations.md` says what each means. */
export type Metric =
  | "ConnectionsOpened"
  | "ConnectionsClosed"
  | "Events"
  | "Refusals"
  | "Posts"
  | "PostsFailed"
  | "Management5xx"
  | "Gone"
  | "FanOut"
  | "FanOutDuration"
  | "Pinged"
  | "Reaped"
  | "Cleared"
  | "SweepFailures";

/** What a function tells those who operate it, and nobody else. */
export interface Telemetry {
  /** A line in the log. */
  note(message: string, details: object): void;
  /** The one line for something that went wrong. */
  fail(message: string, error: unknown, details?: object): void;
  /** Adds to every line until the end of this invocation. */
  about(details: object): void;
  count(metric: Metric, value?: number, dimensions?: Readonly<Record<string, string>>): void;
}
