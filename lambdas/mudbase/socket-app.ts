import { lookup } from "node:dns/promises";
import * as z from "zod/mini";
import { contractApp } from "#mudbase/app.ts";
import { withJwks, withSecret } from "#mudbase/authentication.ts";
import { createHttpClient } from "#mudbase/http/guarded.ts";
import { createStores } from "#mudbase/stores.ts";
import { createUpstream } from "#mudbase/upstream.ts";
import { read } from "#server/environment.ts";
import { requestHandler } from "#server/runtime.ts";
import { createSecretReader, type Secret } from "#server/store/secrets.ts";

/** The environment variables that this function has besides. */
const Environment = z
  .object({
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
type Environment = z.infer<typeof Environment>;

/** The contract, as functions with clients run it. */
export const app = contractApp((runtime) => {
  const env = read(Environment, runtime.variables);
  const secret = createSecretReader(runtime.now, { requestHandler });
  const clock = () => performance.now();
  const http = createHttpClient({
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    allowsLocalhost: env.ALLOWS_LOCALHOST === "true",
    clock,
  });
  return createStores(runtime, {
    verifyToken: verification(env, secret),
    callUpstream: createUpstream({ http, secret, clock }),
  });
});

function verification(env: Environment, secret: (arn: string) => Secret) {
  const expected = { issuer: env.TOKEN_ISSUER, audience: env.TOKEN_AUDIENCE };
  if (env.TOKEN_JWKS_URL !== undefined) return withJwks(env.TOKEN_JWKS_URL, expected);
  return withSecret(secret(env.TOKEN_SECRET_ARN ?? ""), expected);
}
