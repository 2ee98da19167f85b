import * as z from "zod";
import { ALGORITHMS } from "../../lambdas/mudbase/authentication.ts";
import { claimsOf } from "../../lambdas/mudbase/model/identity.ts";
import type { Settings } from "../../lib/config.ts";

/** The requirement of each claim, for messages. */
const CLAIMS: Readonly<Record<string, string>> = {
  sub: "the user's id, 1 to 128 characters",
  org: "the organisation's id, 1 to 128 characters",
  scope: '"api" or "websocket"',
  exp: "when it expires, in epoch seconds",
  projects: 'a list of project ids, or "*"',
};

type Claims = Readonly<Record<string, unknown>>;
type Expected = Pick<Settings, "tokenJwksUrl" | "tokenIssuer" | "tokenAudience">;

/**
 * Describes a token's claims; throws one sentence with everything that is wrong with it, as far as
 * that is visible without its secret. If `settings` are unknown, checks that need them are skipped.
 */
export function examineToken(token: string, settings: Expected | undefined, now: number): string {
  const { header, claims, signature } = readToken(token);
  const faults = [
    ...algorithmFaults(header.alg, signature, settings),
    ...claimFaults(claims),
    ...timeFaults(claims, now),
    ...expectedFaults(claims, settings),
  ];
  if (faults.length > 0) throw new Error(faults.join("; "));

  const { sub, org, projects, exp } = claimsOf(claims);
  const granted = projects === "*" ? "all projects" : `projects ${projects.join(", ") || "none"}`;
  return `${header.alg}, user ${sub} of ${org}, ${granted}, scope ${claims.scope}, until ${timeOf(exp)}`;
}

/** Decodes a token; throws if it is not a JWT. */
function readToken(token: string) {
  if (/^bearer\s/i.test(token)) throw new Error('it begins with "Bearer": pass the token only');
  if (/[\s"']/.test(token)) throw new Error("it contains white space or quotation marks");
  const parts = token.split(".");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length === 5) throw new Error("it is encrypted (a JWE), which is not accepted");
  if (parts.length !== 3)
    throw new Error(
      `it has ${parts.length} part${parts.length === 1 ? "" : "s"}, but a JWT has three: header.payload.signature`,
    );
  return {
    header: readPart("header", header),
    claims: readPart("payload", payload),
    signature,
  };
}

function readPart(name: string, part: string): Claims {
  if (!/^[\w-]+$/.test(part)) throw new Error(`its ${name} is not base64url`);
  try {
    return z
      .record(z.string(), z.unknown())
      .parse(JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    throw new Error(`its ${name} is not a JSON object in base64url`);
  }
}

function algorithmFaults(alg: unknown, signature: string, settings: Expected | undefined) {
  const { secret, jwks } = ALGORITHMS;
  const usesJwks = settings?.tokenJwksUrl !== undefined;
  const accepted: readonly string[] =
    settings === undefined ? [...secret, ...jwks] : usesJwks ? jwks : secret;
  if (String(alg).toLowerCase() === "none")
    return ['its alg is "none": unsigned tokens are never accepted'];
  return [
    ...(accepted.includes(String(alg))
      ? []
      : [
          `its alg is ${JSON.stringify(alg)}, but ${usesJwks ? "tokenJwksUrl" : "a secret"} needs ${accepted.join(", ")}`,
        ]),
    ...(signature === "" ? ["its signature is missing"] : []),
  ];
}

/** Checks the claims by the server's own schema. */
function claimFaults(claims: Claims): readonly string[] {
  try {
    claimsOf(claims);
    return [];
  } catch (error) {
    if (!(error instanceof z.core.$ZodError)) throw error;
    return [...new Set(error.issues.map(({ path }) => String(path[0])))].map((name) => {
      const expected = CLAIMS[name] ?? "something else";
      return claims[name] === undefined || claims[name] === null
        ? `it has no ${name} (${expected})`
        : `its ${name} is ${JSON.stringify(claims[name])} and must be ${expected}`;
    });
  }
}

function timeFaults({ exp, nbf }: Claims, now: number): readonly string[] {
  const seconds = Math.floor(now / 1000);
  return [
    ...(typeof exp === "number" && exp <= seconds
      ? [`it expired at ${timeOf(exp)}, ${seconds - Math.floor(exp)} s ago`]
      : []),
    ...(typeof nbf === "number" && nbf > seconds ? [`it is not valid before ${timeOf(nbf)}`] : []),
  ];
}

/** Checks the issuer and the audience that the settings require. */
function expectedFaults(
  { iss, aud }: Claims,
  { tokenIssuer, tokenAudience }: Expected = {},
): readonly string[] {
  const differs = (name: string, actual: unknown, setting: string, value: string) =>
    `its ${name} is ${JSON.stringify(actual) ?? "missing"}, but ${setting} is ${JSON.stringify(value)}`;
  return [
    ...(tokenIssuer !== undefined && iss !== tokenIssuer
      ? [differs("iss", iss, "tokenIssuer", tokenIssuer)]
      : []),
    ...(tokenAudience !== undefined && ![aud].flat().includes(tokenAudience)
      ? [differs("aud", aud, "tokenAudience", tokenAudience)]
      : []),
  ];
}

/** A time in epoch seconds as text. */
function timeOf(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? `second ${seconds}` : time.toISOString();
}
