import { LATEST_WRITE } from "./model/limits.ts";
import type { Refused } from "./model/session.ts";

/** The codes of a refusal. */
export const REFUSAL_CODES = [
  "invalid_payload",
  "unknown_event",
  "forbidden",
  "not_found",
  "conflict",
  "limit_exceeded",
  "rate_limited",
  "too_large",
  "upstream_failed",
  "internal",
] as const;
/** Why an event is refused; the client is told. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A refusal: the caller is told `code` and `message`; nothing is stored and nothing sent to others. */
export class EventError extends Error {
  override readonly name: string = "EventError";
  readonly code: RefusalCode;
  /** Milliseconds after which it may be tried again, where it is `rate_limited`. */
  readonly retryAfterMs: number | undefined;
  /** Whether the client is disconnected for it. */
  readonly cuts: boolean;

  constructor(
    code: RefusalCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number; readonly cuts?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.cuts = options.cuts ?? false;
  }
}

/** Some sockets have not acknowledged an event in time: a refusal of what asked, where it is not caught. */
export class TimeoutError extends EventError {
  override readonly name = "TimeoutError";
  /** The first argument of each acknowledgement that has come. */
  readonly responses: readonly unknown[];
  /** The ids of the sockets that have sent none. */
  readonly missing: readonly string[];

  constructor(responses: readonly unknown[], missing: readonly string[]) {
    super("upstream_failed", "operation has timed out");
    this.responses = responses;
    this.missing = missing;
  }
}

/** Refuses a CONNECT with `message` and `data`; the reason is for the log. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  readonly data: unknown;
  readonly reason: string;

  constructor(
    message: string,
    { data, reason = message }: { data?: unknown; reason?: string } = {},
  ) {
    super(message);
    this.data = data;
    this.reason = reason;
  }
}

/** Stops a handler whose socket may hold no more of `what`, or is gone so that nobody hears of it. */
export function refuseClaim(refused: Refused, what: string): never {
  switch (refused) {
    case "full":
      throw new EventError("limit_exceeded", `this socket may have no more ${what}`);
    case "churning":
      throw new EventError("rate_limited", `this socket changes its ${what} too often`, {
        retryAfterMs: LATEST_WRITE,
      });
    case "gone":
      throw new EventError("conflict", "the session has ended");
  }
}
