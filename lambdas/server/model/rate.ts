/** A bucket of tokens, which come in at `perSecond`; 0 is no limit. */
export interface RateLimit {
  /** What the tokens are for. */
  readonly kind: string;
  /** Whose they are. */
  readonly owner: readonly string[];
  readonly perSecond: number;
}

/** There was no token. */
export interface Limited {
  readonly retryAfterMs: number;
  /** Whether whoever asked keeps on at ten times the limit. */
  readonly isFlood: boolean;
}
