import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { signToken } from "../../client/token.ts";
import { run, runMeeting } from "../support/commands.ts";
import { newOrg, person, tokenFor } from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { SECRET, stack } from "../support/running.ts";

describe("doctor", () => {
  test("finds a deployment that is well, step by step", async () => {
    const token = await tokenFor({ org: newOrg() });

    const { code, out } = await run("doctor", "--url", stack.url, "--token", token);

    expect(out.split("\n").map((line) => line.replace(/: .*/, ""))).toEqual([
      "✓  settings",
      "✓  the token",
      "✓  the endpoint answers",
      "✓  a wrong token is refused",
      "✓  handshake and authentication",
      "✓  a message to oneself comes back",
      "✓  an event is acknowledged",
      "✓  an event that does not exist is refused",
      "–  a ping comes",
    ]);
    expect(code).toBe(0);
  });

  test("waits for a ping where it is told to", async () => {
    const token = await tokenFor({ org: newOrg() });
    const args = ["--url", stack.url, "--token", token, "--wait", "60"];
    const sweep = () => {
      for (let shard = 0; shard < 16; shard += 1)
        stack.functions.invokeAsync(stack.functions.named("Heartbeat"), { shard });
    };

    const { code, out } = await runMeeting(/unknown_event/, sweep, "doctor", ...args);

    expect(out).toContain("✓  a ping comes: it did");
    expect(code).toBe(0);
  });

  test("says that no ping came", async () => {
    const token = await tokenFor({ org: newOrg() });

    const args = ["--url", stack.url, "--token", token, "--wait", "0.1"];
    const { code, out } = await run("doctor", ...args);

    expect(out).toContain("✗  a ping comes: none within 0.1 s");
    expect(code).toBe(1);
  });

  test("reaches the API's own address, too", async () => {
    const token = await tokenFor({ org: newOrg() });

    const at = ["--url", stack.url, "--path", stack.stagePath, "--token", token];
    expect((await run("doctor", ...at)).out).toContain("✓  a message to oneself comes back");
  });

  test("tries without a token what needs none, and says what does", async () => {
    const { code, out } = await run("doctor", "--url", stack.url);

    expect(out.split("\n").slice(1)).toEqual([
      "–  the token: none is given; npm run token prints one",
      expect.stringContaining("✓  the endpoint answers"),
      "✓  a wrong token is refused: Authentication error",
      "–  handshake and authentication: give --token TOKEN to try them, and what follows",
    ]);
    expect(code).toBe(0);
  });

  test("looks at a token alone, and at the settings that concern it", async () => {
    const token = await tokenFor({ org: "acme" });

    const well = await run("doctor", "--token", token);
    expect(well.out).toMatch(
      /✓ {2}the token: HS256, user ann of acme, projects p1, scope websocket/,
    );
    expect(well.code).toBe(0);

    const others = await run("doctor", "--token", token, "-c", "tokenIssuer=me");
    expect(others.out).toContain('✗  the token: its iss is missing, where tokenIssuer is "me"');
    expect(others.code).toBe(1);
  });

  test("names what is wrong, and fails", async () => {
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

  test("says what it cannot see of a token that looks well and is refused", async () => {
    const forged = await signToken({ sub: "ann", org: "acme", projects: [] }, `not ${SECRET}`);

    const { code, out } = await run("doctor", "--url", stack.url, "--token", forged);

    expect(out).toContain("✓  the token: ");
    expect(out).toMatch(/✗ {2}handshake.*: Authentication error\. .*signature.*log says which/);
    expect(code).toBe(1);
  });

  test("says that the organisation has too many connections", async () => {
    const org = newOrg();
    await publish({ event: "limit:put", org, connections: 1 });
    await person({ org });

    const token = await tokenFor({ org });
    const { code, out } = await run("doctor", "--url", stack.url, "--token", token);

    expect(out).toContain(
      "✗  a message to oneself comes back: the server said: Realtime connection limit reached for your plan.",
    );
    expect(code).toBe(1);
  });
});
