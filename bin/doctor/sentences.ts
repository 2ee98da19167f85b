/** Milliseconds that the doctor waits for anything but a ping. */
export const LONGEST = 10_000;

/** What is known of a token that looks well and is refused. */
export const REFUSED_TOKEN = `Authentication error. What can be seen of the token stands above; its signature (another secret or key?), the deployment's own issuer and audience, and whether the user, session or token is revoked cannot be seen from here: the socket function's log says which ("CONNECT was refused", with reason)`;

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such host",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it broke the connection off",
  UND_ERR_SOCKET: "it broke the connection off",
  UND_ERR_CONNECT_TIMEOUT: "it cannot be reached",
};

/** Why a request got no answer: `fetch` tells only in the cause. */
export function unansweredBy(error: unknown): Error {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return new Error(`no answer within ${LONGEST / 1000} s`);
  const cause: unknown =
    error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return new Error(String(cause));
  const code = "code" in cause ? String(cause.code) : "";
  const meaning = NETWORK[code];
  const said = cause.message || code;
  return new Error(meaning === undefined ? said : `${meaning} (${said})`);
}

/** Why a client could not connect, from its `connect_error`. */
export function refusedBy(error: Error): Error {
  if (error.message === "timeout")
    return new Error(
      `the server sent no OPEN packet within ${LONGEST / 1000} s: see the socket function's log`,
    );
  const { description } = error as { readonly description?: { readonly message?: unknown } };
  const detail = typeof description?.message === "string" ? `: ${description.message}` : "";
  return new Error(error.message + detail);
}
