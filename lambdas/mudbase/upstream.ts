import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import type { HttpClient, HttpOutcome, HttpRequest } from "#mudbase/http/guarded.ts";
import type { Auth, Endpoint, Integration, IntegrationKey } from "#mudbase/model/integration.ts";
import type { Integrations } from "#mudbase/store/integrations.ts";
import { EventError } from "#server/errors.ts";
import { record, Text } from "#server/model/fields.ts";
import { fitsPacket } from "#server/pipeline/oversized.ts";
import type { Secret } from "#server/store/secrets.ts";
import { MAX_CALL } from "./limits.ts";

/** Values for the placeholders of a path, and for the query string. */
export const Params = record(z.union([Text, z.number(), z.boolean()]));

/** What a client asks of an endpoint. */
export interface UpstreamCall {
  readonly endpoint: string;
  readonly params: z.infer<typeof Params>;
  readonly requestData?: unknown;
}

/** Calls an endpoint of an integration; never throws for what the other side does. */
export type CallUpstream = (
  integration: Integration,
  request: UpstreamRequest,
) => Promise<HttpOutcome>;

/** A request that has no credentials yet. */
type UpstreamRequest = Omit<HttpRequest, "headers"> & { readonly headers: Endpoint["headers"] };

export interface UpstreamParts {
  readonly http: HttpClient;
  readonly secret: (arn: string) => Secret;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number;
}

/** The way to the endpoints of integrations, with their credentials. */
export const createUpstream =
  ({ http, secret, clock }: UpstreamParts): CallUpstream =>
  async ({ auth }, request) => {
    const call = (headers: object, timeoutMs = request.timeoutMs) =>
      http({ ...request, headers: { ...request.headers, ...headers }, timeoutMs });
    if (auth.type === "none") return call({});
    const { read, refresh } = secret(auth.secretArn);
    const end = clock() + request.timeoutMs;
    const outcome = await call(headerOf(auth, await read()));
    if (!isKeptOut(outcome, request)) return outcome;
    // After a rotation the credential in memory is the old one: one more try with the new one.
    const rotated = await refresh();
    const left = Math.ceil(end - clock());
    return rotated === undefined || left <= 0 ? outcome : call(headerOf(auth, rotated), left);
  };

/** Whether a call was refused for its credential, so that making it again repeats nothing. */
function isKeptOut(outcome: HttpOutcome, { method }: UpstreamRequest): boolean {
  if (outcome.ok) return false;
  // 401 comes before anything is done; 403 may come in the middle of it.
  return outcome.status === 401 || (outcome.status === 403 && !REPEATING.has(method));
}

/** Methods that do a thing twice where they are called twice. */
const REPEATING: ReadonlySet<string> = new Set(["POST", "PATCH"]);

/** An outcome that fits a packet: encoded once more, an answer may have grown to more than that. */
export const sendable = (outcome: HttpOutcome): HttpOutcome =>
  outcome.ok && !fitsPacket(outcome.data)
    ? { ok: false, error: "the answer is too large to be sent on" }
    : outcome;

/** Refuses a call that may not be made now, else takes one of the integration's turns for it. */
export async function takeTurn(
  integration: Integration,
  key: IntegrationKey,
  call: UpstreamCall,
  integrations: Integrations,
): Promise<UpstreamRequest> {
  const { integrationId, isActive, rateLimit } = integration;
  if (!isActive) throw new EventError("conflict", `the integration ${integrationId} is not active`);
  const request = requestOf(integration, call);
  if (rateLimit === undefined) return request;
  const turn = await integrations.takeTurn(key, rateLimit.perMinute);
  if (turn !== "taken")
    throw new EventError(
      "rate_limited",
      `the integration ${integrationId} may be called ${rateLimit.perMinute} times a minute`,
      turn,
    );
  return request;
}

function requestOf(
  { endpoints, baseUrl, integrationId }: Integration,
  { endpoint: name, params, requestData }: UpstreamCall,
): UpstreamRequest {
  const endpoint = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
  if (endpoint === undefined)
    throw new EventError("not_found", `the integration ${integrationId} has no endpoint ${name}`);
  const { path, rest } = fill(endpoint.path, params);
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
  for (const [param, value] of rest) url.searchParams.append(param, String(value));
  const { method, headers, timeoutMs = MAX_CALL } = endpoint;
  const body = requestData ?? undefined;
  if (body !== undefined && BODILESS.has(method))
    throw new EventError(
      "invalid_payload",
      `requestData: ${name} is called with ${method}, which carries none`,
    );
  return { method, url, headers, timeoutMs, body };
}

/** Methods whose requests have no body. */
const BODILESS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Fills `{name}` in a path; what is left of the parameters becomes the query string. */
function fill(template: string, params: UpstreamCall["params"]) {
  const used = new Set<string>();
  const path = template.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(params, name) ? String(params[name]) : "";
    // A dot segment would climb out of the endpoint's path.
    if (value === "" || /^\.\.?$/.test(value))
      throw new EventError("invalid_payload", `params.${name}: is required in the path`);
    used.add(name);
    return encodeURIComponent(value);
  });
  return { path, rest: Object.entries(params).filter(([name]) => !used.has(name)) };
}

function headerOf(
  auth: Exclude<Auth, { type: "none" }>,
  credential: string,
): Record<string, string> {
  switch (auth.type) {
    case "bearer":
      return { authorization: `Bearer ${credential}` };
    case "basic":
      return { authorization: `Basic ${Buffer.from(credential).toString("base64")}` };
    case "header":
      return { [auth.header.toLowerCase()]: credential };
  }
}
