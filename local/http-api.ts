import type { IncomingMessage } from "node:http";
import * as z from "zod";
import type { OriginRequest } from "./edge.ts";
import type { Functions } from "./functions.ts";
import { decoded, readBody } from "./http.ts";
import type { HttpRoute } from "./template.ts";

/** A response of the HTTP API. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The result of a function behind the HTTP API. */
const Returned = z.object({
  statusCode: z.int().min(200).max(599).default(200),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(""),
});

/** API Gateway's maximum size of a request to an HTTP API. */
const BODY_BYTES = 10 * 1024 * 1024;

const FAILED: HttpAnswer = {
  status: 500,
  headers: {},
  body: '{"message":"Internal Server Error"}',
};

/** The template's HTTP APIs; `undefined` for a request that matches no route. */
export function createHttpApi(routes: readonly HttpRoute[], functions: Functions) {
  const known = routes.map((route) => ({ ...route, pattern: patternOf(route.path) }));

  return (
    request: IncomingMessage,
    { path, query, rawQuery, headers: received, apiId }: OriginRequest,
  ): Promise<HttpAnswer> | undefined => {
    for (const route of known) {
      const match = route.pattern.exec(path);
      const isReached = apiId === undefined || apiId === route.apiId;
      if (route.method !== request.method || match === null || !isReached) continue;
      return answer(route.functionName, `${route.method} ${route.path}`, match.groups ?? {});
    }
    return undefined;

    async function answer(
      name: string,
      routeKey: string,
      parameters: Readonly<Record<string, string>>,
    ): Promise<HttpAnswer> {
      const body = await readBody(request, BODY_BYTES);
      const result = await functions.invoke(name, {
        version: "2.0",
        routeKey,
        rawPath: path,
        rawQueryString: rawQuery,
        ...(query.size > 0 && { queryStringParameters: Object.fromEntries(query) }),
        headers: Object.fromEntries(
          Object.entries(received).map(([header, values]) => [
            header.toLowerCase(),
            values.join(","),
          ]),
        ),
        requestContext: { http: { method: request.method, path } },
        pathParameters: Object.fromEntries(
          Object.entries(parameters).map(([key, value]) => [key, decoded(value)]),
        ),
        body: body.toString("base64"),
        isBase64Encoded: true,
      });
      const { data } = Returned.safeParse(result.ok ? result.value : undefined);
      return data === undefined
        ? FAILED
        : { status: data.statusCode, headers: data.headers, body: data.body };
    }
  };
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
