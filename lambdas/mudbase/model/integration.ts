import * as z from "zod/mini";
import { MAX_CALL } from "#mudbase/limits.ts";
import { checked, optional, Text, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] as const;

const HeaderName = checked(z.string(), z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/));
const HeaderValue = checked(z.string(), z.regex(/^[\t\x20-\x7e\x80-\xff]{0,4096}$/));

/** What makes a request a request is not an integration's to choose. */
const CredentialHeader = checked(
  HeaderName,
  z.refine(
    (name) =>
      !/^(host|connection|content-length|expect|te|trailer|transfer-encoding|upgrade)$/i.test(name),
    "is a header that the call itself sets",
  ),
);

/** A credential is named by its secret, and never stored. */
const FreeHeader = checked(
  CredentialHeader,
  z.refine(
    (name) => !/^((proxy-)?authorization|cookie)$/i.test(name),
    "carries credentials: name a secret under auth instead",
  ),
);

/** Whether a URL leads to this machine by its own names. */
export const isLocalhost = ({ hostname }: URL): boolean =>
  ["localhost", "127.0.0.1", "[::1]"].includes(hostname);

/** Where plain http to this machine leads is refused when it is called, but in local mode. */
const BaseUrl = checked(
  z.url(),
  z.maxLength(2048),
  z.refine((text) => {
    if (!URL.canParse(text)) return false;
    const url = new URL(text);
    const isPlainLocal = url.protocol === "http:" && isLocalhost(url);
    return (url.protocol === "https:" || isPlainLocal) && url.username + url.password === "";
  }, "must be an https URL without credentials"),
);

/** ARN of a Secrets Manager secret: the only form in which a credential is ever given. */
const SecretArn = checked(
  z.string(),
  z.regex(/^arn:[^:]+:secretsmanager:[^:]+:\d*:secret:\S{1,512}$/),
);

const Endpoint = z.object({
  method: z.enum(METHODS),
  /** Path below `baseUrl`; `{name}` is filled from `params`. */
  path: checked(z.string(), z.regex(/^\/(?!\/)[^\s?#\\]{0,1024}$/)),
  headers: optional(z.record(FreeHeader, HeaderValue)),
  timeoutMs: optional(checked(z.int(), z.minimum(1), z.maximum(MAX_CALL))),
});
export type Endpoint = z.infer<typeof Endpoint>;

const Auth = z.discriminatedUnion("type", [
  z.object({ type: z.literal("none") }),
  z.object({ type: z.literal("bearer"), secretArn: SecretArn }),
  z.object({ type: z.literal("basic"), secretArn: SecretArn }),
  z.object({ type: z.literal("header"), header: CredentialHeader, secretArn: SecretArn }),
]);
export type Auth = z.infer<typeof Auth>;

const Webhook = z.discriminatedUnion("scheme", [
  /** Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
  z.object({ scheme: z.literal("standard"), secretArn: SecretArn }),
  /** Hex HMAC-SHA256 of the body, or of `<timestamp>.<body>` where a header carries a timestamp. */
  z.object({
    scheme: z.literal("hmac-sha256"),
    secretArn: SecretArn,
    signatureHeader: HeaderName,
    /** Epoch seconds; deliveries older than 5 minutes are refused. */
    timestampHeader: optional(HeaderName),
    /** The delivery's id, by which a repeated one is dropped. */
    idHeader: optional(HeaderName),
  }),
]);
export type Webhook = z.infer<typeof Webhook>;

/** A back end of somebody else that clients of a project may call through this server (contract, integrations). */
export const Integration = z.object({
  projectId: Id,
  integrationId: Id,
  name: checked(Text, z.minLength(1), z.maxLength(256)),
  isActive: withDefault(z.boolean(), true),
  baseUrl: BaseUrl,
  endpoints: z.record(Id, Endpoint),
  auth: withDefault(Auth, { type: "none" }),
  rateLimit: optional(z.object({ perMinute: checked(z.int(), z.minimum(1)) })),
  webhook: optional(Webhook),
});
export type Integration = z.infer<typeof Integration>;

/** Where an integration lives. */
export interface IntegrationKey {
  readonly org: string;
  readonly projectId: string;
  readonly integrationId: string;
}

/** How often an integration was called; `lastUsed` is ISO 8601. */
export interface Usage {
  readonly calls: number;
  readonly errors: number;
  readonly lastUsed?: string | undefined;
}
