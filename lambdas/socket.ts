import type { APIGatewayProxyWebsocketEventV2, Context } from "aws-lambda";
import type { Opening } from "#engine/opening.ts";
import { readEnvironment } from "./environment.ts";
import { createRealtimeServer } from "./server.ts";
import { observe, telemetry } from "./telemetry.ts";

/** A call of this function by itself. */
interface OwnEvent {
  readonly opening: Opening;
}

/** What API Gateway sends; `headers` and the query string come with `$connect` only. */
interface GatewayEvent extends Omit<APIGatewayProxyWebsocketEventV2, "requestContext"> {
  readonly requestContext: APIGatewayProxyWebsocketEventV2["requestContext"];
  readonly headers?: Record<string, string>;
  readonly queryStringParameters?: Record<string, string>;
}

const server = createRealtimeServer(readEnvironment(process.env));

/** `$connect`, `$default`, `$disconnect` and the opening. Never throws: API Gateway would tell the client. */
export const handler = (
  event: GatewayEvent | OwnEvent,
  context: Context,
): Promise<{ statusCode: number }> =>
  observe(context, async () => {
    try {
      if ("opening" in event) await server.open(event.opening);
      else return { statusCode: await route(event) };
      return { statusCode: 200 };
    } catch (error) {
      telemetry.fail("a request failed", error, describe(event));
      telemetry.count("RequestsFailed", 1, { route: routeOf(event) });
      return { statusCode: isConnect(event) ? 500 : 200 };
    }
  });

async function route({ requestContext, body, headers, queryStringParameters }: GatewayEvent) {
  const { connectionId, connectedAt, eventType, requestTimeEpoch, messageId } = requestContext;
  switch (eventType) {
    case "CONNECT":
      return server.accept({
        connectionId,
        connectedAt,
        headers: headers ?? {},
        query: queryStringParameters ?? {},
      });
    case "DISCONNECT":
      await server.disconnect(connectionId);
      return 200;
    case "MESSAGE":
      await server.onFrame(
        { connectionId, connectedAt, receivedAt: requestTimeEpoch, messageId: messageId ?? "" },
        body ?? "",
      );
      return 200;
  }
}

const isConnect = (event: GatewayEvent | OwnEvent): boolean =>
  "requestContext" in event && event.requestContext.eventType === "CONNECT";

const routeOf = (event: GatewayEvent | OwnEvent): string =>
  "opening" in event ? "opening" : event.requestContext.routeKey;

const describe = (event: GatewayEvent | OwnEvent) =>
  "opening" in event
    ? { connectionId: event.opening.connectionId }
    : {
        connectionId: event.requestContext.connectionId,
        requestId: event.requestContext.requestId,
        routeKey: event.requestContext.routeKey,
      };
