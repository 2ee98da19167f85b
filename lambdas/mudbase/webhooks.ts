import { createHmac, timingSafeEqual } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import type { Integration, Webhook } from "#mudbase/model/integration.ts";
import type { IntegrationRegistry } from "#mudbase/store/integration-registry.ts";
import { EventError } from "#server/errors.ts";
import { isTooDeep } from "#server/model/depth.ts";
import { Id } from "#server/model/id.ts";
import type { Publish } from "#server/pipeline/publish.ts";
import type { Idempotency, Outcome } from "#server/store/idempotency.ts";
import type { Secret } from "#server/store/secrets.ts";

/** Bytes of the largest delivery: its packet must fit what API Gateway takes. */
const LARGEST = 96 * 1024;

/** Milliseconds after which a delivery is too old. */
const OLDEST = 300_000;

/** Characters of the longest id of a delivery, which becomes part of a key. */
const LONGEST_ID = 256;

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
  /** The same delivery is being taken, which may yet fail. */
  | { readonly status: 409; readonly retryAfterMs: number }
  | { readonly status: 400 | 401 | 404 | 413; readonly reason: string };

export interface WebhooksParts {
  readonly registry: IntegrationRegistry;
  readonly idempotency: Idempotency;
  readonly publish: Publish;
  readonly secret: (arn: string) => Secret;
  readonly now: () => number;
}

/** Takes webhooks: verifies them, drops repeated ones, and publishes the others. */
export function createWebhooks(parts: WebhooksParts): (delivery: Delivery) => Promise<Received> {
  const { registry, idempotency, publish, secret, now } = parts;

  return async (delivery) => {
    const { projectId, integrationId, body } = delivery;
    if (body.length > LARGEST) return { status: 413, reason: `${body.length} bytes` };
    if (isTooDeep(body.toString())) return { status: 400, reason: "it nests too deep" };
    const found = await find(delivery);
    if (found === undefined) return { status: 404, reason: "there is no such webhook" };

    const { org, webhook } = found;
    const verified = await verifyTwice(delivery, webhook);
    if ("fault" in verified) return { status: 401, reason: verified.fault };
    if (!verified.ids.every((id) => id.length <= LONGEST_ID))
      return { status: 400, reason: `its id has more than ${LONGEST_ID} characters` };

    const entry = {
      event: "integration:webhook:received",
      ...{ org, projectId, integrationId, received: contentOf(body) },
    };
    const kind = `webhook ${JSON.stringify([org, projectId, integrationId])}`;
    return idempotency
      .run(kind, verified.ids, (commit) => publish(entry, commit))
      .then(answerTo, refusalOf);
  };

  async function find({ projectId, integrationId }: Delivery) {
    if (![projectId, integrationId].every((id) => Id.safeParse(id).success)) return undefined;
    const org = await registry.webhookOwner(projectId, integrationId);
    if (org === undefined) return undefined;
    const integration: Integration | undefined = await registry.find({
      ...{ org, projectId, integrationId },
    });
    return integration?.isActive && integration.webhook !== undefined
      ? { org, webhook: integration.webhook }
      : undefined;
  }

  /** After a rotation the secret in memory is the old one: what it does not verify, the new one may. */
  async function verifyTwice(delivery: Delivery, webhook: Webhook): Promise<Verified> {
    const { read, refresh } = secret(webhook.secretArn);
    const verified = verify(delivery, webhook, await read(), now());
    if (!("fault" in verified)) return verified;
    const rotated = await refresh();
    return rotated === undefined ? verified : verify(delivery, webhook, rotated, now());
  }
}

function answerTo(outcome: Outcome<unknown>): Received {
  switch (outcome.status) {
    case "done":
      return { status: 202 };
    case "repeated":
      return { status: 200 };
    case "busy":
      return { status: 409, retryAfterMs: outcome.retryAfterMs };
  }
}

/** A sender that hears of a failure of ours delivers again; what is refused would be refused again. */
function refusalOf(error: unknown): Received {
  if (!(error instanceof EventError)) throw error;
  return { status: error.code === "too_large" ? 413 : 400, reason: error.message };
}

/** The ids that a delivery may not come under again, or what is wrong with it. */
type Verified = { readonly ids: readonly string[] } | { readonly fault: string };

const verify = (delivery: Delivery, webhook: Webhook, secret: string, now: number): Verified =>
  webhook.scheme === "standard"
    ? verifyStandard(delivery, secret)
    : verifyHmac(delivery, webhook, secret, now);

/** Standard Webhooks; the library refuses what is older than five minutes. */
function verifyStandard({ headers, body }: Delivery, secret: string): Verified {
  try {
    new StandardWebhook(secret).verify(body, headers as Record<string, string>);
    return { ids: [`id ${headers["webhook-id"]}`] };
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
  // The id is not signed: without the signature one delivery would pass under any number of ids.
  const id = header(webhook.idHeader);
  const signature = `signature ${expected.toString("hex")}`;
  return { ids: id ? [signature, `id ${id}`] : [signature] };
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
