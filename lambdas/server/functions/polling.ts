import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { AnyApp } from "#server/app.ts";
import { checkAuthentication } from "#server/check-app.ts";
import type { PollingAnswer } from "#server/engine/transports/polling.ts";
import { registerExtension } from "#server/gateway/extension.ts";
import { createParts } from "#server/pipeline/parts.ts";
import { createPolling, type Served } from "#server/pipeline/polling.ts";
import { createServer } from "#server/pipeline.ts";
import { observe, telemetry } from "#server/telemetry.ts";

const FAILED: PollingAnswer = { statusCode: 500, headers: {}, body: "" };

/**
 * The HTTP API's requests of clients that poll. What handles them is given once Lambda knows that work may go on after an
 * answer, so an entry file has to await it.
 */
export async function pollingHandler(app: AnyApp) {
  const parts = createParts(app);
  checkAuthentication(app);
  const serve = createPolling(parts, createServer(parts));
  const waitUntil = await registerExtension(process.env.AWS_LAMBDA_RUNTIME_API);

  async function serveOne(event: APIGatewayProxyEventV2): Promise<Served> {
    const { requestContext, headers, queryStringParameters: query = {} } = event;
    const { requestId, timeEpoch: receivedAt, http } = requestContext;
    try {
      const { method } = http;
      return await serve({ method, headers, query, body: bodyOf(event), requestId, receivedAt });
    } catch (error) {
      telemetry.fail("a request failed", error, { requestId });
      telemetry.count("RequestsFailed", 1, { route: "polling" });
      return { answer: FAILED };
    }
  }

  return (event: APIGatewayProxyEventV2, context: Context) =>
    new Promise<PollingAnswer>((resolve, reject) => {
      const work = observe(context, async () => {
        const { answer, rest } = await serveOne(event);
        if (waitUntil !== undefined) resolve(answer);
        await rest;
        resolve(answer);
      });
      waitUntil?.(work);
      work.catch(reject);
    });
}

const bodyOf = ({ body = "", isBase64Encoded }: APIGatewayProxyEventV2): string =>
  isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
