import type { IncomingMessage } from "node:http";
import { createEdge, directRequestOf } from "./edge.ts";
import type { Functions } from "./functions.ts";
import { urlOf } from "./http.ts";
import { createHttpApi, type HttpAnswer } from "./http-api.ts";
import type { StackDefinition } from "./template.ts";
import type { Meter } from "./usage.ts";
import type { Work } from "./work.ts";

const FORBIDDEN: HttpAnswer = { status: 403, headers: {}, body: '{"message":"Forbidden"}' };

/** CloudFront's answer to a method that the distribution does not let through. */
const METHOD_REFUSED: HttpAnswer = {
  status: 403,
  headers: { "content-type": "text/html" },
  body: "This distribution is not configured to allow the HTTP request method that was used for this request.",
};

export interface FrontParts {
  readonly stack: StackDefinition;
  readonly functions: Functions;
  readonly work: Work;
  /** Milliseconds that an HTTP API waits for a function. */
  readonly httpTimeout: number;
  readonly now: () => number;
  readonly count: Meter["count"];
}

/** What answers plain HTTP: the HTTP APIs at the paths of their routes, and the edge elsewhere. */
export function createFront({ stack, functions, work, httpTimeout, now, count }: FrontParts) {
  const edge = createEdge(stack.edge.code, stack.edge.origins);
  const httpApi = createHttpApi({
    ...{ routes: stack.httpRoutes, functions, integrationTimeout: httpTimeout, now, count },
  });

  /** Answers with errors that the edge gives to everybody for a while, by path: nothing else is in its cache's key. */
  const kept = new Map<string, { readonly answer: HttpAnswer; readonly until: number }>();

  async function atEdge(request: IncomingMessage): Promise<HttpAnswer> {
    if (stack.edge.methods?.includes(request.method ?? "") === false) return METHOD_REFUSED;
    const result = edge(request);
    if ("status" in result) return result;
    const known = kept.get(result.path);
    if (request.method === "GET" && known !== undefined && now() < known.until) return known.answer;
    // By default the request goes to the WebSocket API, which answers no plain HTTP request.
    const answer = (result.apiId && (await httpApi(request, result))) || FORBIDDEN;
    const seconds = stack.edge.errorSeconds.get(answer.status) ?? 0;
    if (request.method === "GET" && seconds > 0)
      kept.set(result.path, { answer, until: now() + seconds * 1000 });
    return answer;
  }

  async function countedAtEdge(request: IncomingMessage): Promise<HttpAnswer> {
    const answer = await atEdge(request);
    const [edgeBytesOut, edgeBytesIn] = [
      Buffer.byteLength(answer.body),
      Number(request.headers["content-length"] ?? 0),
    ];
    count({ edgeRequests: 1, edgeBytesOut, edgeBytesIn });
    return answer;
  }

  return (request: IncomingMessage): Promise<HttpAnswer> => {
    const isOfEdge = stack.edge.paths.includes(urlOf(request).pathname);
    const direct = isOfEdge ? undefined : httpApi(request, directRequestOf(request));
    const answer = direct ?? countedAtEdge(request);
    // A GET may be one that waits for packets, and waiting is no work.
    return request.method === "GET" ? answer : work.track(answer);
  };
}
