import type { IncomingMessage } from "node:http";
import { createAwsIds } from "./aws-ids.ts";
import type { OriginRequest } from "./edge.ts";
import { decoded } from "./http.ts";
import type { HttpRoute } from "./template.ts";
import { ACCOUNT, REGION } from "./template-values.ts";

/** A request that a route matches. */
export interface Routed {
  readonly route: HttpRoute;
  /** The parameters of its path, as they were sent. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Content types whose bodies are not encoded. */
const TEXT = /^(text\/|application\/(json|javascript|xml)\b|application\/[\w.-]+\+json\b)/i;

/** Builds the events that an HTTP API sends to a function: its format 2.0. */
export function createHttpEvents(clock: () => number) {
  const mintId = createAwsIds(clock);

  return (
    request: IncomingMessage,
    { path, query, rawQuery, headers: received }: OriginRequest,
    { route, parameters, body }: Routed,
  ) => {
    const domainName = `${route.apiId}.execute-api.${REGION}.amazonaws.com`;
    const sourceIp = request.socket.remoteAddress ?? "127.0.0.1";
    const { cookie, ...headers } = headersOf(received, domainName, sourceIp);
    const isText = TEXT.test(headers["content-type"] ?? "");
    const names = Object.entries(parameters);
    const now = new Date(clock());
    return {
      version: "2.0",
      routeKey: `${route.method} ${route.path}`,
      rawPath: path,
      rawQueryString: rawQuery,
      ...(cookie !== undefined && { cookies: cookie.split("; ") }),
      headers,
      ...(query.size > 0 && { queryStringParameters: joined(query) }),
      requestContext: {
        accountId: ACCOUNT,
        apiId: route.apiId,
        domainName,
        domainPrefix: route.apiId,
        http: {
          method: route.method,
          path,
          protocol: "HTTP/1.1",
          sourceIp,
          userAgent: headers["user-agent"] ?? "",
        },
        requestId: mintId("request"),
        routeKey: `${route.method} ${route.path}`,
        stage: "$default",
        time: logTimeOf(now),
        timeEpoch: now.getTime(),
      },
      ...(names.length > 0 && {
        pathParameters: Object.fromEntries(names.map(([name, value]) => [name, decoded(value)])),
      }),
      ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
      isBase64Encoded: body.length > 0 && !isText,
    };
  };
}

/** Headers by their names in lower case, those of one name together, with what API Gateway adds. */
function headersOf(
  received: OriginRequest["headers"],
  domainName: string,
  sourceIp: string,
): Record<string, string> {
  const sent = new Map<string, string>();
  for (const [name, values] of Object.entries(received)) {
    const lower = name.toLowerCase();
    const others = sent.has(lower) ? [sent.get(lower)] : [];
    sent.set(lower, [...others, ...values].join(lower === "cookie" ? "; " : ","));
  }
  return {
    ...Object.fromEntries(sent),
    host: domainName,
    "x-forwarded-for": sourceIp,
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
  };
}

/** Parameters of a query string, those of one name together. */
const joined = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name).join(",")]));

/** A time as in the logs of web servers, e.g. `12/Mar/2020:19:03:58 +0000`. */
function logTimeOf(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(" ");
  return `${day}/${month}/${year}:${clock} +0000`;
}
