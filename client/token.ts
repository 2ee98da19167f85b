import { SignJWT } from "jose";

/** What a token says of its user (contract, section 1). */
export interface TokenClaims {
  /** The user's id. */
  readonly sub: string;
  /** The organisation's id. */
  readonly org: string;
  /** Ids of the projects the user may use, or all of the organisation's. */
  readonly projects: "*" | readonly string[];
  /** `websocket` (default) or `api`. */
  readonly scope?: string;
  /** The session; it can be revoked. */
  readonly sid?: string | null;
  /** The token's own id; it can be revoked. */
  readonly jti?: string | null;
  /** What `tokenIssuer` and `tokenAudience` of the deployment ask for. */
  readonly iss?: string;
  readonly aud?: string;
  readonly email?: string | null;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  /** What chats may name as their moderators. */
  readonly role?: string | null;
}

/**
 * Signs an HS256 token as an application's back end does for its users. `secret` is the value of the
 * deployment's `TokenSecretArn`; `expiresIn` is in jose's words, e.g. `30m`, `12h`, or epoch seconds.
 */
export const signToken = (
  { sub, ...claims }: TokenClaims,
  secret: string,
  expiresIn: string | number = "12h",
): Promise<string> =>
  new SignJWT({ scope: "websocket", ...given(claims) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));

/** The claims that say something: `null` is for absent ones. */
const given = (claims: object): object =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
