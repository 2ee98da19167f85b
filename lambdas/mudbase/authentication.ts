import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import type * as z from "zod/mini";
import { type Claims, claimsOf } from "#mudbase/model/identity.ts";
import { ConnectError } from "#server/app.ts";

/** A refusal whose reason is for the log: clients are told the same whatever it was. */
export const unauthenticated = (reason: string): ConnectError =>
  new ConnectError("Authentication error", { reason });

/** What the claims must say where a deployment configures it. */
export interface ExpectedClaims {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** Verifies a token; throws a `ConnectError` whose reason says why not where the token is bad. */
export type VerifyToken = (token: string) => Promise<Claims>;

/** A secret that may change: `read` serves it from a cache, `refresh` goes and looks. */
export interface RotatingSecret {
  read(): Promise<string>;
  /** Nothing where the secret is the one that `read` gave last. */
  refresh(): Promise<string | undefined>;
}

/** Algorithms of tokens, by what they are verified with (contract, section 1). */
export const ALGORITHMS = {
  secret: ["HS256"],
  jwks: ["RS256", "ES256", "EdDSA"],
} as const;

/** Verifies HS256 tokens; after a rotation the new secret is fetched once its first token comes. */
export function withSecret(secret: RotatingSecret, expected: ExpectedClaims): VerifyToken {
  const verify = async (token: string, key: string) =>
    (await jwtVerify(token, new TextEncoder().encode(key), options(expected, ALGORITHMS.secret)))
      .payload;

  return refusing(async (token) => {
    try {
      return await verify(token, await secret.read());
    } catch (error) {
      const rotated =
        error instanceof errors.JWSSignatureVerificationFailed ? await secret.refresh() : undefined;
      if (rotated === undefined) throw error;
      return verify(token, rotated);
    }
  });
}

/** Verifies RS256, ES256 and EdDSA tokens against the keys published at a URL, which are cached. */
export function withJwks(url: string, expected: ExpectedClaims): VerifyToken {
  const keys = createRemoteJWKSet(new URL(url));
  const asymmetric = options(expected, ALGORITHMS.jwks);
  return refusing(async (token) => (await jwtVerify(token, keys, asymmetric)).payload);
}

// Naming the algorithms refuses `alg: none` and a public key used as an HMAC secret.
const options = ({ issuer, audience }: ExpectedClaims, algorithms: readonly string[]) => ({
  algorithms: [...algorithms],
  requiredClaims: ["exp"],
  ...(issuer !== undefined && { issuer }),
  ...(audience !== undefined && { audience }),
});

/** What `jose` says of a token; all else it throws is about the keys, or the way to them. */
const FAULTS_OF_TOKENS = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
] as const;

const refusing =
  (verify: (token: string) => Promise<JWTPayload>): VerifyToken =>
  async (token) => {
    const claims = await verify(token).catch((error: unknown) => {
      if (FAULTS_OF_TOKENS.some((Fault) => error instanceof Fault))
        throw unauthenticated(reasonOf(error as errors.JOSEError));
      // Nobody could find out: the connection is cut, and the client comes again by itself.
      throw error;
    });
    try {
      return claimsOf(claims);
    } catch (cause) {
      const claim = (cause as z.core.$ZodError).issues.map(({ path }) => path.join("."))[0];
      throw unauthenticated(`the claim ${claim} is missing or wrong`);
    }
  };

/** Names the claim, and never its value. */
const reasonOf = ({ code, ...error }: errors.JOSEError): string =>
  "claim" in error ? `${code}: the claim ${error.claim}` : code;
