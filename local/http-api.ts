import type { IncomingMessage } from "node:http";
import type { Functions } from "./functions.ts";
import type { HttpRoute } from "./template.ts";

/** What a client of the HTTP API is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a function behind the HTTP API returns. */
interface Returned {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The template's HTTP API; nothing where a request is none of its routes'. */
export function createHttpApi(routes: readonly HttpRoute[], functions: Functions) {
  const known = routes.map((route) => ({ ...route, pattern: patternOf(route.path) }));

  return (
    request: IncomingMessage,
    { pathname: path, searchParams, search }: URL,
    readBody: () => Promise<Buffer>,
  ): Promise<HttpAnswer> | undefined => {
    for (const { method, pattern, functionName, path: routePath } of known) {
      const match = pattern.exec(path);
      if (method !== request.method || match === null) continue;
      return answer(functionName, `${method} ${routePath}`, match.groups ?? {});
    }
    return undefined;

    async function answer(
      name: string,
      routeKey: string,
      parameters: Readonly<Record<string, string>>,
    ): Promise<HttpAnswer> {
      const body = await readBody();
      const result = await functions.invoke(name, {
        version: "2.0",
        routeKey,
        rawPath: path,
        rawQueryString: search.slice(1),
        ...(searchParams.size > 0 && { queryStringParameters: Object.fromEntries(searchParams) }),
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([header, value]) => [header, String(value)]),
        ),
        requestContext: { http: { method: request.method, path } },
        pathParameters: Object.fromEntries(
          Object.entries(parameters).map(([key, value]) => [key, decodeURIComponent(value)]),
        ),
        body: body.toString("base64"),
        isBase64Encoded: true,
      });
      if (!result.ok)
        return { status: 500, headers: {}, body: '{"message":"Internal Server Error"}' };
      const { statusCode = 200, headers = {}, body: text = "" } = result.value as Returned;
      return { status: statusCode, headers, body: text };
    }
  };
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
