import { createHmac, timingSafeEqual } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { isTooDeep } from "#model/depth.ts";
import type { Integration, Webhook } from "#model/integration.ts";
import type { Integrations } from "#store/integrations.ts";
import type { Once } from "#store/once.ts";
import type { Publish } from "../publish.ts";

/** Bytes of the largest delivery: its packet must fit what API Gateway takes. */
const LARGEST = 96 * 1024;

/** Milliseconds after which a delivery is too old. */
const OLDEST = 300_000;

/** A delivery as it came; header names are in lower case. */
export interface Delivery {
  readonly projectId: string;
  readonly integrationId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** What a sender is answered; the reason of a refusal is for the log. */
export type Received =
  | { readonly status: 202 | 200 }
  | { readonly status: 400 | 401 | 404 | 413; readonly reason: string };

export interface WebhooksParts {
  readonly integrations: Integrations;
  readonly once: Once;
  readonly publish: Publish;
  readonly secret: (arn: string) => Promise<string>;
  readonly now: () => number;
}

/** Takes webhooks: verifies them, drops repeated ones, and publishes the others. */
export function createWebhooks(parts: WebhooksParts): (delivery: Delivery) => Promise<Received> {
  const { integrations, once, publish, secret, now } = parts;

  return async (delivery) => {
    const { projectId, integrationId, body } = delivery;
    if (body.length > LARGEST) return { status: 413, reason: `${body.length} bytes` };
    if (isTooDeep(body.toString())) return { status: 400, reason: "it nests too deep" };
    const found = await find(delivery);
    if (found === undefined) return { status: 404, reason: "there is no such webhook" };

    const { org, webhook } = found;
    const verified = verify(delivery, webhook, await secret(webhook.secretArn), now());
    if ("fault" in verified) return { status: 401, reason: verified.fault };

    const entry = {
      event: "integration:webhook:received",
      ...{ org, projectId, integrationId, received: contentOf(body) },
    };
    if (verified.id === undefined) {
      await publish(entry);
      return { status: 202 };
    }
    const kind = `webhook ${JSON.stringify([org, projectId, integrationId])}`;
    const outcome = await once.run(kind, verified.id, (commit) => publish(entry, commit));
    return { status: outcome.done ? 202 : 200 };
  };

  async function find({ projectId, integrationId }: Delivery) {
    const org = await integrations.webhookOwner(projectId, integrationId);
    if (org === undefined) return undefined;
    const integration: Integration | undefined = await integrations.find({
      ...{ org, projectId, integrationId },
    });
    return integration?.isActive && integration.webhook !== undefined
      ? { org, webhook: integration.webhook }
      : undefined;
  }
}

type Verified = { readonly id?: string | undefined } | { readonly fault: string };

const verify = (delivery: Delivery, webhook: Webhook, secret: string, now: number): Verified =>
  webhook.scheme === "standard"
    ? verifyStandard(delivery, secret)
    : verifyHmac(delivery, webhook, secret, now);

/** Standard Webhooks; the library refuses what is older than five minutes. */
function verifyStandard({ headers, body }: Delivery, secret: string): Verified {
  try {
    new StandardWebhook(secret).verify(body, headers as Record<string, string>);
    return { id: headers["webhook-id"] };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : "not verified" };
  }
}

function verifyHmac(
  { headers, body }: Delivery,
  webhook: Extract<Webhook, { scheme: "hmac-sha256" }>,
  secret: string,
  now: number,
): Verified {
  const header = (name: string | undefined) => name && headers[name.toLowerCase()];
  const timestamp = header(webhook.timestampHeader);
  if (webhook.timestampHeader !== undefined && !isRecent(timestamp, now))
    return { fault: "the timestamp is missing or not within five minutes" };

  const signed = timestamp === undefined ? [body] : [Buffer.from(`${timestamp}.`), body];
  const expected = createHmac("sha256", secret).update(Buffer.concat(signed)).digest();
  const given = (header(webhook.signatureHeader) ?? "").replace(/^sha256=/, "");
  const isHex = /^[0-9a-f]{64}$/i.test(given);
  if (!isHex || !timingSafeEqual(expected, Buffer.from(given, "hex")))
    return { fault: "the signature is wrong" };
  return { id: header(webhook.idHeader) };
}

const isRecent = (timestamp: string | undefined, now: number): boolean =>
  /^\d{1,12}$/.test(timestamp ?? "") && Math.abs(now - Number(timestamp) * 1000) <= OLDEST;

/** `{ type, data }` as Standard Webhooks has it; anything else is the data of a `webhook`. */
function contentOf(body: Buffer): { readonly event: string; readonly data: unknown } {
  const text = body.toString();
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: the text itself is what came.
  }
  const { type, data } = (parsed ?? {}) as { readonly type?: unknown; readonly data?: unknown };
  return typeof type === "string" && data !== undefined
    ? { event: type, data }
    : { event: "webhook", data: parsed };
}
