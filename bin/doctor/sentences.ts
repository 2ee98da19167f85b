/** Milliseconds that the doctor waits, except for a ping. */
export const TIMEOUT = 10_000;

/** The hint about a token that is refused although nothing is wrong with its visible claims. */
export const REFUSED_TOKEN = `Authentication error. The visible claims of the token are listed above. Its signature (another secret or key?), the deployment's own issuer and audience, and revocations of the user, session or token cannot be checked from here: the socket function's log has the reason ("CONNECT was refused")`;

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: "the host does not exist",
  ECONNREFUSED: "no server listens there",
  ECONNRESET: "the server closed the connection",
  UND_ERR_SOCKET: "the server closed the connection",
  UND_ERR_CONNECT_TIMEOUT: "the host cannot be reached",
};

/** Why a request got no response, which `fetch` puts into the cause of its error. */
export function unansweredBy(error: unknown): Error {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return new Error(`no answer within ${TIMEOUT / 1000} s`);
  const cause: unknown =
    error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return new Error(String(cause));
  const code = "code" in cause ? String(cause.code) : "";
  const meaning = NETWORK[code];
  const detail = cause.message || code;
  return new Error(meaning === undefined ? detail : `${meaning} (${detail})`);
}

/** Why a client could not connect, from its `connect_error`. */
export function refusedBy(error: Error): Error {
  if (error.message === "timeout")
    return new Error(
      `the server sent no OPEN packet within ${TIMEOUT / 1000} s: see the socket function's log`,
    );
  return new Error(error.message + detailOf(error as Described));
}

/** What Engine.IO's client adds to its errors: of a WebSocket its error, of a request its status and itself. */
interface Described {
  readonly description?: number | { readonly message?: unknown };
  readonly context?: { readonly responseText?: unknown };
}

function detailOf({ description, context }: Described): string {
  if (typeof description === "number")
    return `: HTTP ${description} ${String(context?.responseText ?? "").slice(0, 200)}`.trimEnd();
  return typeof description?.message === "string" ? `: ${description.message}` : "";
}
