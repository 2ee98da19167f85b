import { lookup } from "node:dns/promises";
import { setTimeout as pause } from "node:timers/promises";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { monotonicFactory } from "ulid";
import * as z from "zod/mini";
import { withJwks, withSecret } from "#mudbase/authentication.ts";
import { createHttpClient } from "#mudbase/http/guarded.ts";
import { ContractLimits as Limits } from "#mudbase/limits.ts";
import { createSecrets, type Secret } from "#mudbase/store/secrets.ts";
import { createUpstream } from "#mudbase/upstream.ts";
import { createGateway } from "#server/gateway/connections.ts";
import { createInvocation } from "#server/gateway/invocation.ts";
import { LONGEST_ANSWER, LONGEST_CONNECT } from "#server/gateway/time-outs.ts";
import { Heartbeat } from "#server/model/limits.ts";
import { wordingOf } from "#server/model/wording.ts";
import { createTable } from "#server/store/table.ts";
import { telemetry } from "./telemetry.ts";

z.config({ customError: wordingOf });

/** The environment variables of every function. */
const Publisher = z.object({
  AWS_LAMBDA_FUNCTION_NAME: z.string(),
  AWS_ENDPOINT_URL_LAMBDA: z.url(),
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_SESSION_TOKEN: z.optional(z.string()),
  /** The function that large rooms are handed on to; that one itself has none but its own name. */
  FAN_OUT_FUNCTION: z.optional(z.string()),
  TABLE_NAME: z.string(),
  /** Where connections are posted to. */
  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: z.url(),
  LIMITS: json(Limits),
});

type Publisher = z.infer<typeof Publisher>;

/** The environment variables of a function that pings. */
const Pinger = z.extend(Publisher, { HEARTBEAT: json(Heartbeat) });

/** The environment variables of the socket function. */
const SocketServer = z
  .extend(Pinger, {
    ALLOWED_ORIGINS: json(z.array(z.string()), "[]"),
    TOKEN_SECRET_ARN: z.optional(z.string()),
    TOKEN_JWKS_URL: z.optional(z.url()),
    TOKEN_ISSUER: z.optional(z.string()),
    TOKEN_AUDIENCE: z.optional(z.string()),
    /** Set on a developer's machine alone: integrations may then be on it too. */
    ALLOWS_LOCALHOST: z.optional(z.literal("true")),
  })
  .check(
    z.refine((env) => (env.TOKEN_SECRET_ARN === undefined) !== (env.TOKEN_JWKS_URL === undefined), {
      error: "set either TOKEN_SECRET_ARN or TOKEN_JWKS_URL",
    }),
  );
type SocketServer = z.infer<typeof SocketServer>;

/** A variable that holds JSON. */
export function json<Schema extends z.ZodMiniType>(schema: Schema, usual = "{}") {
  const parse = z.transform((text: string): unknown => JSON.parse(text));
  return z.pipe(z.pipe(z._default(z.string(), usual), parse), schema);
}

/** Reads variables, or throws an error that names each wrong one. */
export function read<Schema extends z.ZodMiniType>(
  schema: Schema,
  variables: NodeJS.ProcessEnv,
): z.output<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  throw new Error(`The environment of this function is wrong:\n${z.prettifyError(result.error)}`);
}

const now = () => Date.now();
const clock = () => performance.now();

/** How the SDK's clients wait for AWS: without these, a call that hangs takes its function's 29 s. */
const requestHandler = {
  connectionTimeout: LONGEST_CONNECT,
  requestTimeout: LONGEST_ANSWER,
  socketTimeout: LONGEST_ANSWER,
  throwOnRequestTimeout: true,
};

/** What a function is given from outside that reaches sockets: settings, AWS, the clock. */
export const readPublisherEnvironment = (variables: NodeJS.ProcessEnv) =>
  publisherOf(read(Publisher, variables));

function publisherOf(env: Publisher) {
  const { LIMITS: limits, TABLE_NAME: tableName } = env;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler }), {
    marshallOptions: { removeUndefinedValues: true },
  });
  // Retries are the gateway's own: the SDK's would multiply with them.
  const endpoint = env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI;
  const management = new ApiGatewayManagementApiClient({
    ...{ maxAttempts: 1, endpoint, requestHandler },
  });
  return {
    limits,
    table: createTable({ client, tableName, pause }),
    handOn: invocationOf(env, env.FAN_OUT_FUNCTION),
    gateway: createGateway({ client: management, pause, now, count: telemetry.count }),
    telemetry,
    now,
    pause,
  };
}

/** The same for the function that sweeps connections. */
export function readHeartbeatEnvironment(variables: NodeJS.ProcessEnv) {
  const env = read(Pinger, variables);
  return {
    ...publisherOf(env),
    shards: env.LIMITS.shards,
    pingInterval: env.HEARTBEAT.pingInterval,
    invokeSelf: invocationOf(env),
  };
}

/** The same for the function that takes webhooks, with the secrets they are signed with. */
export function readWebhookEnvironment(variables: NodeJS.ProcessEnv) {
  return {
    ...readPublisherEnvironment(variables),
    secret: createSecrets({ client: () => new SecretsManagerClient({ requestHandler }), now }),
  };
}

/** Everything the socket function is given from outside. */
export function readEnvironment(variables: NodeJS.ProcessEnv) {
  const env = read(SocketServer, variables);
  const secret = createSecrets({ client: () => new SecretsManagerClient({ requestHandler }), now });
  return {
    ...publisherOf(env),
    heartbeat: env.HEARTBEAT,
    allowedOrigins: env.ALLOWED_ORIGINS,
    invokeSelf: invocationOf(env),
    authenticate: authentication(env, secret),
    callUpstream: createUpstream({
      http: createHttpClient({
        resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
        allowsLocalhost: env.ALLOWS_LOCALHOST === "true",
        clock,
      }),
      ...{ secret, clock },
    }),
    newId: monotonicFactory(),
  };
}

const invocationOf = (env: Publisher, functionName = env.AWS_LAMBDA_FUNCTION_NAME) =>
  createInvocation({
    signer: new SignatureV4({
      service: "lambda",
      region: env.AWS_REGION,
      credentials: {
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
        ...(env.AWS_SESSION_TOKEN !== undefined && { sessionToken: env.AWS_SESSION_TOKEN }),
      },
      sha256: Hash.bind(null, "sha256"),
    }),
    pause,
    now,
    endpoint: env.AWS_ENDPOINT_URL_LAMBDA,
    functionName,
  });

function authentication(env: SocketServer, secret: (arn: string) => Secret) {
  const expected = { issuer: env.TOKEN_ISSUER, audience: env.TOKEN_AUDIENCE };
  if (env.TOKEN_JWKS_URL !== undefined) return withJwks(env.TOKEN_JWKS_URL, expected);
  return withSecret(secret(env.TOKEN_SECRET_ARN ?? ""), expected);
}
