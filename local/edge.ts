import type { IncomingMessage } from "node:http";
import { createContext, runInContext } from "node:vm";

/** What the edge does with a request: hands it on under another path, or answers it itself. */
export type EdgeResult =
  | { readonly path: string }
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

interface EdgeAnswer {
  readonly uri?: string;
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, { readonly value: string }>>;
  readonly body?: string;
}

/** Runs the code of a CloudFront function on viewer requests, as CloudFront does. */
export function createEdge(code: string): (request: IncomingMessage, url: URL) => EdgeResult {
  const context = createContext({});
  runInContext(code, context);

  return (request, url) => {
    const event = {
      version: "1.0",
      context: { eventType: "viewer-request" },
      viewer: { ip: request.socket.remoteAddress },
      request: {
        method: request.method,
        uri: url.pathname,
        querystring: valued(Object.fromEntries(url.searchParams)),
        headers: valued(request.headers),
        cookies: {},
      },
    };
    const source = `handler(${JSON.stringify(event)})`;
    const answer = runInContext(source, context) as EdgeAnswer;
    if (answer.statusCode === undefined) return { path: answer.uri ?? url.pathname };
    const headers = Object.entries(answer.headers ?? {}).map(([name, { value }]) => [name, value]);
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(headers),
      body: answer.body ?? "",
    };
  };
}

const valued = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value: String(value) }]),
  );
