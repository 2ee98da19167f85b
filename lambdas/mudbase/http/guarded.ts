import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { isLocalhost } from "#mudbase/model/integration.ts";
import { isTooDeep, MAX_DEPTH } from "#server/model/depth.ts";
import { addressFault } from "./addresses.ts";

/** Bytes of the largest response that is read (contract, section 6). */
const LARGEST_RESPONSE = 96 * 1024;

/** An outgoing request. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds for all of it, from the name's resolution to the last byte. */
  readonly timeoutMs: number;
  /** Sent as JSON; nothing is sent where it is undefined. */
  readonly body?: unknown;
}

/** What came back: the answer, or one sentence about what went wrong that names no address. */
export type HttpOutcome =
  | {
      readonly ok: true;
      readonly status: number;
      readonly data: unknown;
      readonly durationMs: number;
    }
  | {
      readonly ok: false;
      readonly error: string;
      /** Where it answered, and with a failure. */
      readonly status?: number;
    };

/** Makes a request as the rules for server-side calls allow (contract, section 6). Never throws. */
export type HttpClient = (request: HttpRequest) => Promise<HttpOutcome>;

export interface HttpParts {
  /** All addresses of a host name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Whether plain http to this machine is allowed: on a developer's machine alone. */
  readonly allowsLocalhost: boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number;
}

/** A client whose requests cannot reach the inside of any network. */
export const createHttpClient =
  (parts: HttpParts): HttpClient =>
  async (request) => {
    const deadline = AbortSignal.timeout(request.timeoutMs);
    try {
      const fault = urlFault(request.url, parts);
      if (fault !== undefined) return failed(fault);
      const addresses = await raced(parts.resolve(hostOf(request.url)), deadline);
      const [address] = addresses;
      if (address === undefined) return failed("the host has no address");
      // All of them, though one is used: a name that also leads inside is not to be trusted.
      if (!(await areAllowed(addresses, request.url, parts)))
        return failed("the host's address may not be called");
      return await exchange(request, address, deadline, parts.clock);
    } catch (error) {
      return failed(
        deadline.aborted ? `no answer within ${request.timeoutMs} ms` : reasonOf(error),
      );
    }
  };

function urlFault(url: URL, { allowsLocalhost }: HttpParts): string | undefined {
  if (url.username !== "" || url.password !== "") return "the URL holds credentials";
  const isPlainLocal = allowsLocalhost && url.protocol === "http:" && isLocalhost(url);
  return url.protocol === "https:" || isPlainLocal ? undefined : "the URL is not https";
}

async function areAllowed(
  addresses: readonly string[],
  url: URL,
  { allowsLocalhost }: HttpParts,
): Promise<boolean> {
  if (allowsLocalhost && isLocalhost(url)) return true;
  const faults = await Promise.all(addresses.map(addressFault));
  return faults.every((fault) => fault === undefined);
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, "$1");

/** Sends the request to the very address that was checked, whatever the name resolves to by then. */
async function exchange(
  { method, url, headers, body }: HttpRequest,
  address: string,
  signal: AbortSignal,
  clock: () => number,
): Promise<HttpOutcome> {
  const started = clock();
  const [{ default: request }, { default: Pool }] = await Promise.all([
    import("undici/lib/api/api-request.js"),
    import("undici/lib/dispatcher/pool.js"),
  ]);
  const pinned = [{ address, family: isIP(address) }];
  const pool = new Pool(url.origin, {
    connect: { lookup: (_host, _options, found) => found(null, pinned) },
    pipelining: 0,
  });
  try {
    const response = await request.call(pool, {
      method,
      path: url.pathname + url.search,
      signal,
      headers: {
        accept: "application/json, text/*;q=0.9",
        ...headers,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { statusCode: status } = response;
    if (status >= 300 && status < 400)
      return failed(`it answered ${status}: redirects are not followed`);
    if (status >= 400) return { ...failed(`it answered ${status}`), status };
    const type = String(response.headers["content-type"] ?? "");
    const text = await readText(response.body);
    if (text === undefined) return failed("the answer is larger than 96 KiB");
    const durationMs = Math.round(clock() - started);
    if (text === "") return { ok: true, status, data: null, durationMs };
    if (/^application\/([\w.+-]+\+)?json\b/i.test(type))
      // What nests deeper can be read, but not written again.
      return isTooDeep(text)
        ? failed(`the answer nests more than ${MAX_DEPTH} levels deep`)
        : { ok: true, status, data: JSON.parse(text) as unknown, durationMs };
    return /^text\//i.test(type)
      ? { ok: true, status, data: text, durationMs }
      : failed("the answer is neither JSON nor text");
  } finally {
    await pool.destroy();
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LARGEST_RESPONSE) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function raced<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  return Promise.race([
    work,
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
    ),
  ]);
}

const failed = (error: string): HttpOutcome => ({ ok: false, error });

/** What a client may know: never an address, a host of an inner network or a stack. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return "the answer is not JSON";
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" &&
    /^(ENOTFOUND|EAI_|UND_ERR_|ECONN|EPIPE|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(
      code,
    )
    ? `the call failed (${code})`
    : "the call failed";
}
