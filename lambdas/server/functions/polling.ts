import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { AnyApp } from "#server/app.ts";
import { checkAuthentication } from "#server/check-app.ts";
import type { PollingAnswer } from "#server/engine/transports/polling.ts";
import { createParts } from "#server/pipeline/parts.ts";
import { createPolling } from "#server/pipeline/polling.ts";
import { createServer } from "#server/pipeline.ts";
import { observe, telemetry } from "#server/telemetry.ts";

const FAILED: PollingAnswer = { statusCode: 500, headers: {}, body: "" };

/** The HTTP API's requests of clients that poll. */
export function pollingHandler(app: AnyApp) {
  const parts = createParts(app);
  checkAuthentication(app);
  const serve = createPolling(parts, createServer(parts));

  return (event: APIGatewayProxyEventV2, context: Context): Promise<PollingAnswer> =>
    observe(context, async () => {
      const { requestContext, headers, queryStringParameters: query = {} } = event;
      const { requestId, timeEpoch: receivedAt, http } = requestContext;
      try {
        const { method } = http;
        return await serve({ method, headers, query, body: bodyOf(event), requestId, receivedAt });
      } catch (error) {
        telemetry.fail("a request failed", error, { requestId });
        telemetry.count("RequestsFailed", 1, { route: "polling" });
        return FAILED;
      }
    });
}

const bodyOf = ({ body = "", isBase64Encoded }: APIGatewayProxyEventV2): string =>
  isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
