import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { createIntegrationRegistry } from "#mudbase/store/integration-registry.ts";
import { createWebhooks } from "#mudbase/webhooks.ts";
import type { AnyLeanApp } from "#server/app.ts";
import { MAX_ID } from "#server/model/id.ts";
import { createParts, createPublisher } from "#server/pipeline/parts.ts";
import { requestHandler } from "#server/runtime.ts";
import { createIdempotency } from "#server/store/idempotency.ts";
import { createSecretReader } from "#server/store/secrets.ts";
import { observe, telemetry } from "#server/telemetry.ts";

/** Milliseconds for which the id of a delivery is remembered: senders try again for a day. */
const TTL = 86_400_000;

/** `POST /webhooks/<projectId>/<integrationId>`; the status is all a sender is told. */
export function webhookHandler(app: AnyLeanApp) {
  const parts = createParts(app);
  const { table, now } = parts.runtime;
  const receive = createWebhooks({
    registry: createIntegrationRegistry({ table, now }),
    idempotency: createIdempotency({ table, now }, TTL),
    publish: createPublisher(parts),
    secret: createSecretReader(now, { requestHandler }),
    now,
  });

  return (
    event: APIGatewayProxyEventV2,
    context: Context,
  ): Promise<APIGatewayProxyStructuredResultV2> =>
    observe(context, async () => {
      const { projectId = "", integrationId = "" } = event.pathParameters ?? {};
      // Whoever sends this may be anybody, and no id at all.
      telemetry.about({
        projectId: projectId.slice(0, MAX_ID),
        integrationId: integrationId.slice(0, MAX_ID),
      });
      try {
        const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
        const result = await receive({ projectId, integrationId, headers: event.headers, body });
        telemetry.count("Events", 1, {
          event: "webhook",
          outcome: "reason" in result ? "refused" : "published",
        });
        if ("reason" in result) telemetry.note("a webhook was refused", result);
        if (result.status !== 409) return { statusCode: result.status };
        const seconds = Math.ceil(result.retryAfterMs / 1000);
        return { statusCode: 409, headers: { "retry-after": String(seconds) } };
      } catch (error) {
        telemetry.fail("a webhook failed", error);
        telemetry.count("RequestsFailed", 1, { route: "webhook" });
        return { statusCode: 500 };
      }
    });
}
