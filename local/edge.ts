import type { IncomingMessage } from "node:http";
import { createContext, runInContext } from "node:vm";
import * as z from "zod";
import { urlOf } from "./http.ts";

/** A request as it reaches the API: unchanged, or as the edge function has rewritten it. */
export interface OriginRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The query string as it was sent. */
  readonly rawQuery: string;
  /** By their names as they were sent, upper case included. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** The API whose origin the edge function has selected; `undefined` for the default. */
  readonly apiId?: string | undefined;
}

/** A response of the edge function itself. */
export interface EdgeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const Field = z.object({
  value: z.string(),
  multiValue: z.optional(z.array(z.object({ value: z.string() }))),
});
const Fields = z.record(z.string(), Field);
type Fields = z.infer<typeof Fields>;
type Pair = readonly [name: string, value: string];

const ViewerRequest = z.object({
  method: z.string(),
  uri: z.string().startsWith("/"),
  querystring: Fields,
  headers: Fields,
  cookies: Fields,
});
type ViewerRequest = z.infer<typeof ViewerRequest>;
const Returned = z.union([
  z.object({
    statusCode: z.int().min(200).max(599),
    headers: z.optional(Fields),
    body: z.optional(z.string()),
  }),
  ViewerRequest,
]);

/** Headers that CloudFront hides from functions, and that functions may not add. */
const HIDDEN_HEADER =
  /^(connection|expect|keep-alive|trailer|upgrade|x-cache|x-forwarded-proto|x-real-ip)$|^(proxy|x-accel|x-amz-cf|x-amzn|x-edge)-/;
/** Headers of the WebSocket handshake: CloudFront may hide them from functions, and always sends them to the origin. */
const HANDSHAKE_HEADER = /^sec-websocket-/;
/** Headers that a function may read but not change. */
const READ_ONLY_HEADERS = ["content-length", "host", "transfer-encoding", "via"];
/** Headers that CloudFront sets itself; `Host` becomes the origin's own name. */
const CLOUDFRONT_HEADERS = { "User-Agent": ["Amazon CloudFront"] };
/** The same if the client wants a WebSocket. */
const UPGRADE_HEADERS = { Connection: ["Upgrade"], Upgrade: ["websocket"] };

const failure = (status: number, body: string): EdgeAnswer => ({ status, headers: {}, body });
const INVALID = failure(502, "the edge function returned an invalid value");
const FAILED = failure(503, "the edge function threw");

/** The import by which runtime 2.0 offers the selection of origins, in the first line. */
const IMPORT = /^import (\w+) from (["'])cloudfront\2;?/;

/**
 * Runs the code of a CloudFront function on viewer requests, as CloudFront does: in strict mode,
 * without code from strings, and without the hidden headers. Responds with 503 if the function throws,
 * and with 502 if it returns an invalid value. The function may select among the origins of the
 * distribution's behaviours; `origins` maps their ids to the ids of their APIs.
 */
export function createEdge(
  code: string,
  origins: ReadonlyMap<string, string> = new Map(),
): (request: IncomingMessage) => OriginRequest | EdgeAnswer {
  let selected: string | undefined;
  const cloudfront = {
    selectRequestOriginById(id: unknown) {
      selected = String(id);
    },
  };
  const context = createContext(IMPORT.test(code) ? { cloudfront } : {}, {
    codeGeneration: { strings: false, wasm: false },
  });
  runInContext(`"use strict";${code.replace(IMPORT, "const $1 = cloudfront;")}`, context);

  return (request) => {
    const viewed = viewerRequestOf(request);
    const event = {
      version: "1.0",
      context: { eventType: "viewer-request" },
      viewer: { ip: request.socket.remoteAddress },
      request: viewed,
    };
    const json = JSON.stringify(JSON.stringify(event));
    selected = undefined;
    // A faulty function may return a value that is not JSON.
    const returned = run(`JSON.stringify(handler(JSON.parse(${json}))) || "null"`);
    if (returned === undefined) return FAILED;
    const { data } = Returned.safeParse(JSON.parse(returned));
    if (data === undefined) return INVALID;
    if ("uri" in data) {
      const apiId = origins.get(selected ?? "");
      const maySelect = selected === undefined || apiId !== undefined;
      return maySelect && mayReturn(viewed, data)
        ? { ...originRequestOf(data, request), apiId }
        : INVALID;
    }
    const headers = Object.fromEntries(pairsOf(data.headers ?? {}));
    return { status: data.statusCode, headers, body: data.body ?? "" };
  };

  function run(source: string): string | undefined {
    try {
      return String(runInContext(source, context));
    } catch {
      return undefined;
    }
  }
}

/** A request that does not pass the edge, as the client sent it. */
export function directRequestOf(request: IncomingMessage): OriginRequest {
  const { pathname, search, searchParams } = urlOf(request);
  const { rawHeaders } = request;
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );
  const rawQuery = search.slice(1);
  return { path: pathname, query: searchParams, rawQuery, headers: grouped(pairs) };
}

/** The request that CloudFront passes to a function: names of headers in lower case, nothing decoded. */
function viewerRequestOf(request: IncomingMessage): ViewerRequest {
  const { pathname, search } = urlOf(request);
  const headers = headersOf(request).filter(([name]) => isShown(name));
  return {
    method: request.method ?? "GET",
    uri: pathname,
    querystring: fieldsOf(search.slice(1).split("&").map(pairIn)),
    headers: fieldsOf(headers.filter(([name]) => name !== "cookie")),
    cookies: fieldsOf(
      headers.flatMap(([name, value]) => (name === "cookie" ? value.split("; ").map(pairIn) : [])),
    ),
  };
}

/** The headers of a request with their names in lower case. */
const headersOf = (request: IncomingMessage): readonly Pair[] =>
  Object.entries(directRequestOf(request).headers).flatMap(([name, values]) =>
    values.map((value) => [name.toLowerCase(), value] as const),
  );

const isShown = (name: string): boolean =>
  !HIDDEN_HEADER.test(name) && !HANDSHAKE_HEADER.test(name);

const mayReturn = (viewed: ViewerRequest, { method, headers }: ViewerRequest): boolean =>
  method === viewed.method &&
  Object.keys(headers).every((name) => name === name.toLowerCase() && isShown(name)) &&
  READ_ONLY_HEADERS.every((name) => headers[name]?.value === viewed.headers[name]?.value);

function originRequestOf(
  { uri, querystring, headers, cookies }: ViewerRequest,
  request: IncomingMessage,
): OriginRequest {
  const handshake = headersOf(request).filter(([name]) => HANDSHAKE_HEADER.test(name));
  const forwarded = [...pairsOf(headers), ...handshake]
    .filter(([name]) => name !== "host")
    .map(([name, value]) => [capitalised(name), value] as const);
  const cookie = joined(cookies, "; ");
  const rawQuery = joined(querystring, "&");
  return {
    path: uri,
    query: new URLSearchParams(rawQuery),
    rawQuery,
    headers: {
      ...CLOUDFRONT_HEADERS,
      ...(handshake.length > 0 && UPGRADE_HEADERS),
      ...grouped(forwarded),
      ...(cookie !== "" && { Cookie: [cookie] }),
    },
  };
}

const capitalised = (name: string): string =>
  name.replaceAll(/\b\w/g, (letter) => letter.toUpperCase());

function pairIn(text: string): Pair {
  const [name = "", ...value] = text.split("=");
  return [name, value.join("=")];
}

function grouped(pairs: readonly Pair[]): Record<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, value] of pairs) groups.set(name, [...(groups.get(name) ?? []), value]);
  return Object.fromEntries(groups);
}

const fieldsOf = (pairs: readonly Pair[]): Fields =>
  Object.fromEntries(
    Object.entries(grouped(pairs.filter(([name]) => name !== ""))).map(([name, values]) => {
      const [value = "", ...others] = values;
      const multiValue = values.map((one) => ({ value: one }));
      return [name, { value, ...(others.length > 0 && { multiValue }) }];
    }),
  );

const pairsOf = (fields: Fields): readonly Pair[] =>
  Object.entries(fields).flatMap(([name, { value, multiValue }]) =>
    (multiValue ?? [{ value }]).map((one) => [name, one.value] as const),
  );

const joined = (fields: Fields, separator: string): string =>
  pairsOf(fields)
    .map((pair) => pair.join("="))
    .join(separator);
