import type { APIGatewayProxyWebsocketEventV2, Context } from "aws-lambda";
import type { AnyApp } from "#server/app.ts";
import { checkAuthentication } from "#server/check-app.ts";
import { subprotocolOf } from "#server/engine/handshake.ts";
import type { PendingOpen } from "#server/engine/transports/websocket.ts";
import { loadPool } from "#server/gateway/lean-post.ts";
import { createParts } from "#server/pipeline/parts.ts";
import { createProbe } from "#server/pipeline/probe.ts";
import { createUpgrade } from "#server/pipeline/upgrade.ts";
import { createServer } from "#server/pipeline.ts";
import { observe, telemetry } from "#server/telemetry.ts";

/** A call of this function by itself. */
interface OwnEvent {
  readonly open: PendingOpen;
}

/** What API Gateway sends; `headers` and the query string come with `$connect` only. */
interface GatewayEvent extends Omit<APIGatewayProxyWebsocketEventV2, "requestContext"> {
  readonly requestContext: APIGatewayProxyWebsocketEventV2["requestContext"];
  readonly headers?: Record<string, string>;
  readonly queryStringParameters?: Record<string, string>;
}

/** What API Gateway is answered; only what `$connect` returns reaches the client. */
interface Answer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const SERVED: Answer = { statusCode: 200 };

/** `$connect`, `$default`, `$disconnect` and the OPEN packet. Never throws: API Gateway would tell the client. */
export function socketHandler(app: AnyApp) {
  const parts = createParts(app);
  checkAuthentication(app);
  const server = createServer(parts, createProbe);
  const { accept, open } = createUpgrade(parts, server.sender);

  return (event: GatewayEvent | OwnEvent, context: Context): Promise<Answer> =>
    observe(context, async () => {
      try {
        if ("open" in event) await open(event.open);
        else return await route(event);
        return SERVED;
      } catch (error) {
        telemetry.fail("a request failed", error, describe(event));
        telemetry.count("RequestsFailed", 1, { route: routeOf(event) });
        return { statusCode: isConnect(event) ? 500 : 200 };
      }
    });

  async function route(event: GatewayEvent): Promise<Answer> {
    const { requestContext, body, headers = {}, queryStringParameters: query = {} } = event;
    const { connectionId, connectedAt, eventType, requestTimeEpoch, messageId } = requestContext;
    switch (eventType) {
      case "CONNECT": {
        const statusCode = await accept({ connectionId, connectedAt, headers, query });
        const subprotocol = subprotocolOf(headers);
        if (statusCode !== 200 || subprotocol === undefined) return { statusCode };
        return { statusCode, headers: { "Sec-WebSocket-Protocol": subprotocol } };
      }
      case "DISCONNECT":
        await server.disconnect(connectionId);
        return SERVED;
      case "MESSAGE":
        // Whatever is answered is posted; while it is loaded, the table is asked.
        void loadPool();
        await server.onFrame(
          { connectionId, connectedAt, receivedAt: requestTimeEpoch, messageId: messageId ?? "" },
          body ?? "",
        );
        return SERVED;
    }
  }
}

const isConnect = (event: GatewayEvent | OwnEvent): boolean =>
  "requestContext" in event && event.requestContext.eventType === "CONNECT";

const routeOf = (event: GatewayEvent | OwnEvent): string =>
  "open" in event ? "open" : event.requestContext.routeKey;

const describe = (event: GatewayEvent | OwnEvent) =>
  "open" in event
    ? { connectionId: event.open.connectionId }
    : {
        connectionId: event.requestContext.connectionId,
        requestId: event.requestContext.requestId,
        routeKey: event.requestContext.routeKey,
      };
