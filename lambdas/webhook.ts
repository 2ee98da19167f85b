import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createWebhooks } from "#events/integrations/webhooks.ts";
import { createIntegrations } from "#store/integrations.ts";
import { createOnce } from "#store/once.ts";
import { readWebhookEnvironment } from "./environment.ts";
import { createPublisher } from "./publisher.ts";

/** Milliseconds for which the id of a delivery is remembered: senders try again for a day. */
const MEMORY = 86_400_000;

const environment = readWebhookEnvironment(process.env);
const { table, now, secret } = environment;
const receive = createWebhooks({
  integrations: createIntegrations({ table, now }),
  once: createOnce({ table, now, memory: MEMORY }),
  publish: createPublisher(environment),
  secret,
  now,
});

/** `POST /webhooks/<projectId>/<integrationId>`; the status is all a sender is told. */
export async function handler(event: APIGatewayProxyEventV2): Promise<{ statusCode: number }> {
  const { projectId = "", integrationId = "" } = event.pathParameters ?? {};
  try {
    const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
    const result = await receive({ projectId, integrationId, headers: event.headers, body });
    if ("reason" in result) environment.note("a webhook was refused", { projectId, ...result });
    return { statusCode: result.status };
  } catch (error) {
    console.error({ message: "a webhook failed", projectId, integrationId, error });
    return { statusCode: 500 };
  }
}
