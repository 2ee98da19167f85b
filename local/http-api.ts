import type { IncomingMessage } from "node:http";
import type { Functions } from "./functions.ts";
import type { HttpRoute } from "./template.ts";

/** What a client of the HTTP API is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** The template's HTTP API; nothing where a request is none of its routes'. */
export function createHttpApi(routes: readonly HttpRoute[], functions: Functions) {
  const known = routes.map((route) => ({ ...route, pattern: patternOf(route.path) }));

  return (
    request: IncomingMessage,
    path: string,
    readBody: () => Promise<Buffer>,
  ): Promise<HttpAnswer> | undefined => {
    for (const { method, pattern, functionName, path: routePath } of known) {
      const parameters = pattern.exec(path)?.groups;
      if (method !== request.method || parameters === undefined) continue;
      return answer(functionName, `${method} ${routePath}`, parameters);
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
      if (!result.ok) return { status: 500, body: '{"message":"Internal Server Error"}' };
      const value = result.value as { readonly statusCode?: number; readonly body?: string };
      return { status: value.statusCode ?? 200, body: value.body ?? "" };
    }
  };
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
