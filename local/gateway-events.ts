import type { MintId } from "./aws-ids.ts";
import type { OriginRequest } from "./edge.ts";
import type { ApiDefinition } from "./template.ts";
import { REGION } from "./template-values.ts";

/** The fields that all events of a connection share. */
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly identity: { readonly sourceIp: string; readonly userAgent?: string | undefined };
}

/** Builds the events that API Gateway sends to a function, with the fields of the real ones. */
export function createGatewayEvents(
  { apiId, stage }: ApiDefinition,
  mintId: MintId,
  clock: () => number,
) {
  const domainName = `${apiId}.execute-api.${REGION}.amazonaws.com`;

  function context(facts: ConnectionFacts, routeKey: string, eventType: string) {
    const requestId = mintId("request");
    const now = clock();
    return {
      routeKey,
      eventType,
      extendedRequestId: requestId,
      requestTime: new Date(now).toUTCString(),
      messageDirection: "IN",
      stage,
      connectedAt: facts.connectedAt,
      requestTimeEpoch: now,
      identity: facts.identity,
      requestId,
      domainName,
      connectionId: facts.connectionId,
      apiId,
    };
  }

  return {
    connect(facts: ConnectionFacts, { headers, query }: OriginRequest) {
      return {
        headers: mapValues(headers, (values) => values.at(-1)),
        multiValueHeaders: headers,
        ...(query.size > 0 && {
          queryStringParameters: Object.fromEntries(query),
          multiValueQueryStringParameters: Object.fromEntries(
            [...query.keys()].map((name) => [name, query.getAll(name)]),
          ),
        }),
        requestContext: context(facts, "$connect", "CONNECT"),
        isBase64Encoded: false,
      };
    },

    message(facts: ConnectionFacts, routeKey: string, body: string) {
      return {
        requestContext: { ...context(facts, routeKey, "MESSAGE"), messageId: mintId("message") },
        body,
        isBase64Encoded: false,
      };
    },

    disconnect(facts: ConnectionFacts, code: number, reason: string) {
      return {
        headers: { Host: domainName, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" },
        requestContext: {
          ...context(facts, "$disconnect", "DISCONNECT"),
          disconnectStatusCode: code,
          disconnectReason: reason,
        },
        isBase64Encoded: false,
      };
    },

    /** The message that API Gateway sends to a client if the integration fails. */
    failure: (facts: ConnectionFacts, message: string) =>
      JSON.stringify({ message, connectionId: facts.connectionId, requestId: mintId("request") }),
  };
}

const mapValues = <Value, Result>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => Result,
): Record<string, Result> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
