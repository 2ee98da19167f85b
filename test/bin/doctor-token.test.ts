import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { examineToken } from "../../bin/doctor/token.ts";
import { readSettings } from "../../lib/config.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const CLAIMS = { sub: "ann", org: "acme", scope: "websocket", exp: SECONDS + 60, projects: ["p1"] };

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenOf = (claims: unknown, header: unknown = { alg: "HS256" }) =>
  `${encoded(header)}.${encoded(claims)}.c2lnbmF0dXJl`;

const examine = (token: string, settings: Record<string, unknown> = {}) =>
  examineToken(token, readSettings(settings), NOW);

test("a valid token is described in one line", async () => {
  const signed = await new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode("a secret"));

  expect(examine(signed)).toBe(
    "HS256, user ann of acme, projects p1, scope websocket, until 2026-01-01T00:01:00.000Z",
  );
  expect(examine(tokenOf({ ...CLAIMS, projects: "*" }))).toContain("all projects");
});

test.each([
  ["nonsense", "it has 1 part, but a JWT has three: header.payload.signature"],
  [`Bearer ${tokenOf(CLAIMS)}`, 'it begins with "Bearer": pass the token only'],
  [`${tokenOf(CLAIMS)}\n`, "it contains white space or quotation marks"],
  ["a.b.c.d.e", "it is encrypted (a JWE), which is not accepted"],
  ["!.e30.s", "its header is not base64url"],
  ["abc.e30.s", "its header is not a JSON object in base64url"],
  [tokenOf([]), "its payload is not a JSON object in base64url"],
  [tokenOf(CLAIMS, { alg: "none" }), 'its alg is "none": unsigned tokens are never accepted'],
  [tokenOf(CLAIMS, { alg: "RS256" }), 'its alg is "RS256", but a secret needs HS256'],
  [tokenOf(CLAIMS).replace(/\.\w+$/, "."), "its signature is missing"],
  [tokenOf({ ...CLAIMS, exp: SECONDS - 90 }), "it expired at 2025-12-31T23:58:30.000Z, 90 s ago"],
  [tokenOf({ ...CLAIMS, nbf: SECONDS + 90 }), "it is not valid before 2026-01-01T00:01:30.000Z"],
  [tokenOf({ ...CLAIMS, scope: "admin" }), 'its scope is "admin" and must be "api" or "websocket"'],
  [
    tokenOf({ ...CLAIMS, projects: "p1" }),
    'its projects is "p1" and must be a list of project ids, or "*"',
  ],
  [
    tokenOf({ scope: "api" }),
    "it has no sub (the user's id, 1 to 128 characters); it has no org (the organisation's id, 1 to 128 characters); it has no exp (when it expires, in epoch seconds)",
  ],
])("%s: %s", (token, message) => {
  expect(() => examine(token)).toThrow(new Error(message));
});

test.each([
  [{ tokenIssuer: "us" }, {}, 'its iss is missing, but tokenIssuer is "us"'],
  [{ tokenIssuer: "us" }, { iss: "them" }, 'its iss is "them", but tokenIssuer is "us"'],
  [{ tokenAudience: "app" }, { aud: ["web"] }, 'its aud is ["web"], but tokenAudience is "app"'],
  [
    { tokenJwksUrl: "https://example.org/keys" },
    {},
    'its alg is "HS256", but tokenJwksUrl needs RS256, ES256, EdDSA',
  ],
])("with the settings %j and the claims %j: %s", (settings, claims, message) => {
  expect(() => examine(tokenOf({ ...CLAIMS, ...claims }), settings)).toThrow(new Error(message));
});

test("a token with the issuer and audience of the settings is valid", () => {
  const claims = { ...CLAIMS, iss: "us", aud: ["web", "app"] };

  expect(examine(tokenOf(claims), { tokenIssuer: "us", tokenAudience: "app" })).toContain("ann");
});
