import { SignJWT } from "jose";

/** The claims of a token (contract, section 1). */
export interface TokenClaims {
  /** The user's id. */
  readonly sub: string;
  /** The organisation's id. */
  readonly org: string;
  /** Ids of the projects the user may access, or `*` for all of the organisation. */
  readonly projects: "*" | readonly string[];
  /** `websocket` (default) or `api`. */
  readonly scope?: string;
  /** The id of the session, which can be revoked. */
  readonly sid?: string | null;
  /** The id of the token, which can be revoked. */
  readonly jti?: string | null;
  /** Required if the deployment sets `tokenIssuer` or `tokenAudience`. */
  readonly iss?: string;
  readonly aud?: string;
  readonly email?: string | null;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  /** A role that chats may name as their moderator. */
  readonly role?: string | null;
}

/**
 * Signs an HS256 token as an application's back end does for its users. `secret` is the value of the
 * deployment's `TokenSecretArn`; `expiresIn` is in jose's format, e.g. `30m`, `12h`, or epoch seconds.
 */
export const signToken = (
  { sub, ...claims }: TokenClaims,
  secret: string,
  expiresIn: string | number = "12h",
): Promise<string> =>
  new SignJWT({ scope: "websocket", ...withoutNull(claims) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));

/** The claims that are set: `null` stands for an absent one. */
const withoutNull = (claims: object): object =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
