import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, describe, expect, test, vi } from "vitest";
import { withJwks, withSecret } from "../../lambdas/mudbase/authentication.ts";
import { ConnectError } from "../../lambdas/server/app.ts";

const claims = { org: "acme", projects: ["p1"], scope: "websocket" };
const sign = (algorithm: string, key: Parameters<SignJWT["sign"]>[0], extra: object = {}) =>
  new SignJWT({ ...claims, ...extra })
    .setProtectedHeader({ alg: algorithm, kid: algorithm })
    .setSubject("ann")
    .setExpirationTime("1h")
    .sign(key);

const ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
const pairs = Object.fromEntries(
  await Promise.all(
    ALGORITHMS.map(async (name) => [name, await generateKeyPair(name, { extractable: true })]),
  ),
) as Record<(typeof ALGORITHMS)[number], Awaited<ReturnType<typeof generateKeyPair>>>;
const keys = await Promise.all(
  ALGORITHMS.map(async (name) => ({
    ...(await exportJWK(pairs[name].publicKey)),
    kid: name,
    alg: name,
  })),
);
/** How a JWKS endpoint may fail, by path. */
const BROKEN: Record<string, (response: ServerResponse) => unknown> = {
  "/unavailable": (response) => response.writeHead(503).end("later"),
  "/moved": (response) => response.writeHead(302, { location: "/jwks" }).end(),
  "/html": (response) => response.end("<html>"),
  "/no-set": (response) => response.end('{"keys":7}'),
  "/broken": (response) => response.destroy(),
  "/silent": () => undefined,
};
let asked = 0;
const server = createServer((request, response) => {
  asked += 1;
  const broken = BROKEN[request.url ?? ""];
  if (broken !== undefined) return void broken(response);
  response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const url = `${origin}/jwks`;

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("a JWKS", () => {
  test("verifies RS256, ES256 and EdDSA, and is fetched once", async () => {
    const authenticate = withJwks(url, {});
    asked = 0;

    for (const name of ALGORITHMS)
      expect(await authenticate(await sign(name, pairs[name].privateKey))).toMatchObject({
        sub: "ann",
        org: "acme",
        projects: ["p1"],
      });
    expect(asked).toBe(1);
  });

  test("takes no HS256 token that was signed with a public key as the secret", async () => {
    const secret = new TextEncoder().encode(await exportSPKI(pairs.RS256.publicKey));
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: "RS256" })
      .setSubject("ann")
      .setExpirationTime("1h")
      .sign(secret);

    await expect(withJwks(url, {})(forged)).rejects.toBeInstanceOf(ConnectError);
  });

  test("takes no token of another key, and none without a signature", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const stranger = await sign("ES256", privateKey);
    const unsigned = new UnsecuredJWT({ ...claims, sub: "ann" }).setExpirationTime("1h").encode();

    for (const token of [stranger, unsigned, "", "a.b.c"])
      await expect(withJwks(url, {})(token)).rejects.toBeInstanceOf(ConnectError);
  });

  test.each([...Object.keys(BROKEN), "refused"])(
    "that cannot be had (%s) is our fault, not the token's",
    async (path) => {
      const { timeout } = AbortSignal;
      const limits = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(50));
      const address = path === "refused" ? "http://127.0.0.1:1/jwks" : `${origin}${path}`;

      const failure: unknown = await withJwks(
        address,
        {},
      )(await sign("ES256", pairs.ES256.privateKey)).catch((error: unknown) => error);

      expect(failure).toBeInstanceOf(Error);
      expect(failure).not.toBeInstanceOf(ConnectError);
      limits.mockRestore();
    },
  );

  test("that is there again lets the same token in", async () => {
    let isDown = true;
    const restored = BROKEN["/unavailable"];
    BROKEN["/later"] = (response) =>
      isDown ? restored?.(response) : response.end(JSON.stringify({ keys }));
    const authenticate = withJwks(`${origin}/later`, {});
    const token = await sign("ES256", pairs.ES256.privateKey);

    await expect(authenticate(token)).rejects.not.toBeInstanceOf(ConnectError);
    isDown = false;

    expect(await authenticate(token)).toMatchObject({ sub: "ann" });
  });

  test.each([
    ["issuer", { issuer: "me" }, { iss: "me" }, { iss: "you" }],
    ["audience", { audience: "app" }, { aud: ["app", "b"] }, { aud: "other" }],
  ])("checks the %s where the deployment names one", async (_, expected, right, wrong) => {
    const authenticate = withJwks(url, expected);
    const { privateKey } = pairs.ES256;

    expect(await authenticate(await sign("ES256", privateKey, right))).toBeDefined();
    const [claim] = Object.keys(wrong);
    for (const extra of [wrong, {}])
      await expect(authenticate(await sign("ES256", privateKey, extra))).rejects.toMatchObject({
        reason: `ERR_JWT_CLAIM_VALIDATION_FAILED: the claim ${claim}`,
      });
  });
});

describe("a secret", () => {
  const key = (text: string) => new TextEncoder().encode(text);
  const old = "the old secret of more than 32 characters";
  const fresh = "the new secret of more than 32 characters";

  test("that was rotated is fetched again when its first token comes", async () => {
    const authenticate = withSecret({ read: async () => old, refresh: async () => fresh }, {});

    expect(await authenticate(await sign("HS256", key(old)))).toMatchObject({ sub: "ann" });
    expect(await authenticate(await sign("HS256", key(fresh)))).toMatchObject({ sub: "ann" });
  });

  test("takes no token of an asymmetric algorithm", async () => {
    const authenticate = withSecret({ read: async () => old, refresh: async () => undefined }, {});

    await expect(authenticate(await sign("RS256", pairs.RS256.privateKey))).rejects.toBeInstanceOf(
      ConnectError,
    );
  });

  test("that cannot be read is our fault, not the token's", async () => {
    const read = async () => Promise.reject(new Error("no secret"));
    const authenticate = withSecret({ read, refresh: read }, {});

    await expect(authenticate(await sign("HS256", key(old)))).rejects.toThrow("no secret");
  });
});

test.each([
  ["scope", { scope: "admin" }],
  ["org", { org: "" }],
  ["projects", { projects: "p1" }],
  ["sid", { sid: 7 }],
  // No table holds it, so a session of it could not be stored.
  ["exp", { exp: 1e17 }],
  ["sub", { sub: "a\u0000" }],
])("claims that are not the contract's are refused by name: %s", async (claim, wrong) => {
  const secret = "a secret of more than thirty-two characters";
  const authenticate = withSecret({ read: async () => secret, refresh: async () => undefined }, {});
  const token = await new SignJWT({ ...claims, sub: "ann", exp: 9_999_999_999, ...wrong })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));

  await expect(authenticate(token)).rejects.toMatchObject({
    reason: `the claim ${claim} is missing or wrong`,
  });
});
