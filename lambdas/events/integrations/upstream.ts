import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import type { HttpClient, HttpOutcome, HttpRequest } from "#http/guarded.ts";
import { record, Text } from "#model/fields.ts";
import type { Auth, Endpoint, Integration, IntegrationPlace } from "#model/integration.ts";
import { LONGEST_CALL } from "#model/limits.ts";
import type { Integrations } from "#store/integrations.ts";
import { EventError } from "../errors.ts";

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
  /** The value of a secret. */
  readonly secret: (arn: string) => Promise<string>;
}

/** The way to the endpoints of integrations, with their credentials. */
export const createUpstream =
  ({ http, secret }: UpstreamParts): CallUpstream =>
  async ({ auth }, request) =>
    http({ ...request, headers: { ...request.headers, ...(await credentials(auth, secret)) } });

/** Refuses a call that may not be made now, else takes one of the integration's turns for it. */
export async function takeTurn(
  integration: Integration,
  place: IntegrationPlace,
  call: UpstreamCall,
  integrations: Integrations,
): Promise<UpstreamRequest> {
  const { integrationId, isActive, rateLimit } = integration;
  if (!isActive) throw new EventError("conflict", `the integration ${integrationId} is not active`);
  const request = requestOf(integration, call);
  if (rateLimit === undefined) return request;
  const turn = await integrations.takeTurn(place, rateLimit.perMinute);
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
  const { method, headers, timeoutMs = LONGEST_CALL } = endpoint;
  return { method, url, headers, timeoutMs, body: requestData };
}

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

async function credentials(
  auth: Auth,
  secret: UpstreamParts["secret"],
): Promise<Record<string, string>> {
  switch (auth.type) {
    case "none":
      return {};
    case "bearer":
      return { authorization: `Bearer ${await secret(auth.secretArn)}` };
    case "basic": {
      const userAndPassword = await secret(auth.secretArn);
      return { authorization: `Basic ${Buffer.from(userAndPassword).toString("base64")}` };
    }
    case "header":
      return { [auth.header.toLowerCase()]: await secret(auth.secretArn) };
  }
}
