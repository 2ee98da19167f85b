import type { IncomingMessage } from "node:http";
import * as z from "zod";
import type { OriginRequest } from "./edge.ts";
import type { Functions, InvocationResult } from "./functions.ts";
import { readBody } from "./http.ts";
import { createHttpEvents } from "./http-events.ts";
import { integrated } from "./integration.ts";
import type { HttpRoute } from "./template.ts";
import { increments, type Meter } from "./usage.ts";

/** A response of the HTTP API. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Buffer;
}

export interface HttpApiParts {
  readonly routes: readonly HttpRoute[];
  readonly functions: Functions;
  /** Milliseconds that it waits for a function. */
  readonly integrationTimeout: number;
  readonly now: () => number;
  readonly count: Meter["count"];
}

/** The result of a function behind the HTTP API that names a status. */
const Returned = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.nullish(z.record(z.string(), z.string())),
  cookies: z.nullish(z.array(z.string())),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

/** What API Gateway bills as one request to an HTTP API, in bytes. */
const REQUEST_BYTES = 512 * 1024;

/** API Gateway's maximum size of a request to an HTTP API. */
const BODY_BYTES = 10 * 1024 * 1024;

const messageOf = (status: number, message: string): HttpAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ message }),
});
const FAILED = messageOf(500, "Internal Server Error");
const UNAVAILABLE = messageOf(503, "Service Unavailable");
const NOT_FOUND = messageOf(404, "Not Found");

/** The template's HTTP APIs; `undefined` for a request that matches no route and names no API of them. */
export function createHttpApi(parts: HttpApiParts) {
  const { routes, functions, integrationTimeout, now, count } = parts;
  const known = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  const eventOf = createHttpEvents(now);

  return (
    request: IncomingMessage,
    originRequest: OriginRequest,
  ): Promise<HttpAnswer> | undefined => {
    const { path, apiId } = originRequest;
    for (const { route, pattern } of known) {
      const match = pattern.exec(path);
      const isReached = apiId === undefined || apiId === route.apiId;
      if (route.method !== request.method || match === null || !isReached) continue;
      return answer(request, originRequest, route, match.groups ?? {});
    }
    return routes.some((route) => route.apiId === apiId) ? Promise.resolve(NOT_FOUND) : undefined;
  };

  async function answer(
    request: IncomingMessage,
    originRequest: OriginRequest,
    route: HttpRoute,
    parameters: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer> {
    const body = await readBody(request, BODY_BYTES);
    count({ httpRequests: increments(body.length, REQUEST_BYTES) });
    const event = eventOf(request, originRequest, { route, parameters, body });
    const invocation =
      route.method === "GET"
        ? functions.hold(route.functionName, event)
        : functions.invoke(route.functionName, event);
    return answerOf(await integrated(invocation, integrationTimeout));
  }
}

/** Reads the result of a function as API Gateway does: without a status, it is the body. */
function answerOf(result: InvocationResult): HttpAnswer {
  if (!result.ok) return result.fault === undefined ? FAILED : UNAVAILABLE;
  const { value } = result;
  if (typeof value === "string" || (typeof value === "object" && !hasStatus(value)))
    return value === null ? FAILED : jsonOf(value);
  const { data } = Returned.safeParse(value);
  if (data === undefined) return FAILED;
  const { statusCode: status, headers, cookies, body, isBase64Encoded } = data;
  return {
    status,
    headers: { ...headers, ...(cookies && { "set-cookie": cookies }) },
    body: Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"),
  };
}

const hasStatus = (value: object | null): boolean => value !== null && "statusCode" in value;

const jsonOf = (value: object | string): HttpAnswer => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: typeof value === "string" ? value : JSON.stringify(value),
});

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
