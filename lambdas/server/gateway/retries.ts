const FIRST_WAIT = 50;
const LONGEST_WAIT = 2000;

/** Milliseconds after which a call is not tried again: what waits for it has 29 s for all it does. */
const LONGEST_CALLING = 10_000;

export interface RetryParts {
  readonly tries: number;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  /** Milliseconds of a clock. */
  readonly now: () => number;
  /** When the last try may begin, by that clock. */
  readonly latest?: number | undefined;
  /** Told of every failure, whatever the next try brings. */
  readonly onFailure?: (error: unknown) => void;
}

/** Calls AWS; what is throttled, fails on its side, breaks or is not answered in time is tried again, with jitter. */
export async function persist<Result>(
  call: () => Promise<Result>,
  { tries, pause, now, latest = Number.POSITIVE_INFINITY, onFailure }: RetryParts,
): Promise<Result> {
  const end = Math.min(latest, now() + LONGEST_CALLING);
  for (let tried = 1; ; tried += 1) {
    try {
      return await call();
    } catch (error) {
      onFailure?.(error);
      const wait = waitAfter(tried);
      if (!isPassing(error) || tried === tries || now() + wait > end) throw error;
      await pause(wait);
    }
  }
}

/** The status that AWS answered with, if it did. */
export const statusOf = (error: unknown): number =>
  (error as Failure).$metadata?.httpStatusCode ?? 0;

/** Milliseconds to wait after so many tries in vain: twice as long each time, with jitter. */
const waitAfter = (tries: number): number =>
  Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries) * Math.random();

/** Whether the same call may fare better in a moment. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  if (status === 429 || status >= 500) return true;
  const { code, name } = error as Failure;
  return NETWORK.has(code ?? "") || name === "TimeoutError";
}

/**
 * Nobody answered: no name, no connection, one that broke (perhaps closed at its other end while the
 * function was frozen), or none of it in time. In the words of Node and of undici.
 */
const NETWORK = new Set([
  ...["EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"],
  ...["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET", "UND_ERR_CLOSED"],
  ...["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
]);

/** What an error of the SDK, of Node or of undici says of itself. */
interface Failure {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly code?: string;
  readonly name?: string;
}
