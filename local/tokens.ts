import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SignJWT } from "jose";

/** The claims of a development token (contract, section 1). */
export interface TokenClaims {
  readonly sub: string;
  readonly org: string;
  readonly projects: "*" | readonly string[];
  readonly scope?: string;
  readonly sid?: string;
  readonly jti?: string;
  readonly email?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly role?: string;
}

/** Signs a token as an application's back end would; `expiresIn` in jose's words, e.g. `12h`. */
export const signToken = (
  { sub, ...claims }: TokenClaims,
  secret: string,
  expiresIn: string | number = "12h",
): Promise<string> =>
  new SignJWT({ scope: "websocket", ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret));

const SECRET_FILE = ".local/token-secret";

/** The secret that signs tokens on this machine; made when it is first asked for, and kept out of git. */
export function developmentSecret(file = SECRET_FILE): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(48).toString("base64url"), { mode: 0o600 });
  }
  return readFileSync(file, "utf8");
}
