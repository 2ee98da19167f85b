import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { run, runAndReact } from "../support/commands.ts";
import { newOrg, person, tokenFor } from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { SECRET, stack } from "../support/running.ts";

describe("doctor", () => {
  test("checks a healthy deployment step by step", async () => {
    const token = await tokenFor({ org: newOrg() });

    const { code, out } = await run("doctor", "--url", stack.url, "--token", token);

    expect(out.split("\n").map((line) => line.replace(/: .*/, ""))).toEqual([
      "✓  settings",
      "✓  the token",
      "✓  the endpoint answers",
      "✓  a wrong token is refused",
      "✓  a wrong token is refused by long polling",
      "✓  handshake and authentication",
      "✓  long polling is upgraded to WebSocket",
      "✓  a message to oneself is received",
      "✓  an event is acknowledged",
      "✓  an event that does not exist is refused",
      "–  a ping is received",
    ]);
    expect(code).toBe(0);
  });

  test("waits for a ping with --wait", async () => {
    const token = await tokenFor({ org: newOrg() });
    const args = ["--url", stack.url, "--token", token, "--wait", "60"];
    const sendPings = () => {
      for (let shard = 0; shard < 16; shard += 1)
        stack.functions.invokeAsync(stack.functions.named("Heartbeat"), { shard });
    };

    const { code, out } = await runAndReact(/unknown_event/, sendPings, "doctor", ...args);

    expect(out).toContain("✓  a ping is received: within 60 s");
    expect(code).toBe(0);
  });

  test("reports a missing ping", async () => {
    const token = await tokenFor({ org: newOrg() });

    const args = ["--url", stack.url, "--token", token, "--wait", "0.1"];
    const { code, out } = await run("doctor", ...args);

    expect(out).toContain("✗  a ping is received: no ping within 0.1 s");
    expect(code).toBe(1);
  });

  test("reaches the API's own address, too", async () => {
    const token = await tokenFor({ org: newOrg() });

    const at = ["--url", stack.url, "--path", stack.stagePath, "--token", token];
    const { out } = await run("doctor", ...at);
    expect(out).toContain("–  long polling: there is none at this address");
    expect(out).toContain("✓  a message to oneself is received");
  });

  test("skips the checks that need a token if there is none", async () => {
    const { code, out } = await run("doctor", "--url", stack.url);

    expect(out.split("\n").slice(1)).toEqual([
      "–  the token: no --token; npm run token prints one",
      expect.stringContaining("✓  the endpoint answers"),
      "✓  a wrong token is refused: Authentication error",
      "✓  a wrong token is refused by long polling: Authentication error",
      "–  handshake and authentication: pass --token TOKEN to check these and the rest",
    ]);
    expect(code).toBe(0);
  });

  test("checks a token without an endpoint, by the settings that apply to it", async () => {
    const token = await tokenFor({ org: "acme" });

    const valid = await run("doctor", "--token", token);
    expect(valid.out).toMatch(
      /✓ {2}the token: HS256, user ann of acme, projects p1, scope websocket/,
    );
    expect(valid.code).toBe(0);

    const mismatch = await run("doctor", "--token", token, "-c", "tokenIssuer=me");
    expect(mismatch.out).toContain('✗  the token: its iss is missing, but tokenIssuer is "me"');
    expect(mismatch.code).toBe(1);
  });

  test("reports every fault, and fails", async () => {
    const expired = await new SignJWT({ sub: "ann", org: "acme", scope: "websocket" })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime(1_000_000_000)
      .sign(new TextEncoder().encode(SECRET));

    const wrong = ["--url", stack.url, "--token", expired, "-c", "pingInterval=soon"];
    const { code, out } = await run("doctor", ...wrong);

    expect(out).toContain("✗  settings: the setting pingInterval");
    expect(out).toContain("✗  the token: it expired at 2001-09-09T01:46:40.000Z, ");
    expect(out).toContain("✗  handshake and authentication: Authentication error.");
    expect(code).toBe(1);
  });

  test("explains what it cannot check of a refused token", async () => {
    const forged = await signToken({ sub: "ann", org: "acme", projects: [] }, `not ${SECRET}`);

    const { code, out } = await run("doctor", "--url", stack.url, "--token", forged);

    expect(out).toContain("✓  the token: ");
    expect(out).toMatch(/✗ {2}handshake.*: Authentication error\. .*signature.*log has the reason/);
    expect(code).toBe(1);
  });

  test("reports that the organisation has too many connections", async () => {
    const org = newOrg();
    await publish({ event: "limit:put", org, connections: 1 });
    await person({ org });

    const token = await tokenFor({ org });
    const { code, out } = await run("doctor", "--url", stack.url, "--token", token);

    expect(out).toContain(
      "✗  a message to oneself is received: the server reported: Realtime connection limit reached for your plan.",
    );
    expect(code).toBe(1);
  });
});
