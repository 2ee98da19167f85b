import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { newOrg, tokenFor } from "../support/people.ts";
import { publishFunction } from "../support/publishing.ts";
import { stack } from "../support/running.ts";
import { emptyUpstream } from "../support/upstream.ts";

const folder = mkdtempSync(join(tmpdir(), "commands-"));
const [backEnd, stopped] = [await emptyUpstream(), await emptyUpstream()];
stopped.stop();
afterAll(() => {
  backEnd.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a command of bin/ as npm would. */
const run = (command: string, ...args: readonly string[]) =>
  runMeeting(/(?!)/, ignore, command, ...args);

const ignore = () => undefined;

/** The same, and does something once the command has printed this. */
async function runMeeting(
  printed: RegExp,
  act: () => unknown,
  command: string,
  ...args: readonly string[]
) {
  const child = spawn("node_modules/.bin/tsx", [`bin/${command}.ts`, ...args]);
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => {
    const isNew = !printed.test(out);
    out += text;
    if (isNew && printed.test(out)) act();
  });
  child.stderr.on("data", (text) => (err += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, out: out.trim(), err: err.trim() };
}

describe.each(["start", "token", "integration", "docs", "build-size", "audit", "doctor"])(
  "%s",
  (command) => {
    test("explains itself with --help, and refuses what it does not know", async () => {
      const [help, nonsense] = await Promise.all([
        run(command, "--help"),
        run(command, "--nonsense"),
      ]);
      expect(help).toMatchObject({ code: 0, err: "" });
      expect(help.out).toContain("--help");

      expect(nonsense).toMatchObject({
        code: 1,
        out: "",
        err: expect.stringMatching(/^Unknown option '--nonsense'/),
      });
    });
  },
);

test.each([
  [["--port", "x"], /^--port takes a number from 0 to 65535, not "x"\.$/],
  [["--lose-disconnects", "2"], /^--lose-disconnects takes a number from 0 to 1/],
])("start refuses %j in one sentence", async (args, message) => {
  expect(await run("start", ...args)).toMatchObject({
    code: 1,
    err: expect.stringMatching(message),
  });
});

describe("token", () => {
  test("prints a token with the claims asked for", async () => {
    const { code, out } = await run(
      "token",
      "--sub",
      "ann",
      "--org",
      "acme",
      "--projects",
      "p1,p2",
    );

    expect(code).toBe(0);
    expect(decodeJwt(out)).toMatchObject({
      sub: "ann",
      org: "acme",
      projects: ["p1", "p2"],
      scope: "websocket",
      exp: expect.any(Number),
    });
  });

  test("says what it needs", async () => {
    expect(await run("token", "--sub", "ann")).toMatchObject({
      code: 1,
      err: "--sub and --org are required; --help explains all.",
    });
  });
});

describe("integration", () => {
  const org = newOrg();
  const at = ["--org", org, "--url", stack.url, "--function", publishFunction()];
  const file = join(folder, "shop.json");
  const shop = {
    ...{ projectId: "p1", integrationId: "shop", name: "Shop" },
    baseUrl: "https://shop.example",
    endpoints: { list: { method: "GET", path: "/orders" } },
  };

  test("puts, gets, lists and removes", async () => {
    writeFileSync(file, JSON.stringify(shop));

    expect(await run("integration", "put", file, ...at)).toMatchObject({ code: 0 });
    const { out } = await run("integration", "list", "--project", "p1", ...at);
    expect(JSON.parse(out)).toMatchObject({ integrations: [shop] });
    expect(await run("integration", "remove", "shop", "--project", "p1", ...at)).toMatchObject({
      code: 0,
    });
    expect(await run("integration", "get", "shop", "--project", "p1", ...at)).toMatchObject({
      code: 1,
      err: "there is no integration p1/shop",
    });
  }, 30_000);

  test("names what is wrong with a file, and registers nothing", async () => {
    writeFileSync(file, JSON.stringify({ ...shop, baseUrl: "shop" }));

    expect(await run("integration", "put", file, ...at)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^integration\.baseUrl: /),
    });
    expect(await run("integration", "put", "/nowhere", ...at)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^\/nowhere cannot be read as JSON/),
    });
  }, 30_000);
});

describe("doctor", () => {
  test("finds a deployment that is well, step by step", async () => {
    const token = await tokenFor({ org: newOrg() });

    const { code, out } = await run("doctor", "--url", stack.url, "--token", token);

    expect(out.split("\n").map((line) => line.replace(/: .*/, ""))).toEqual([
      "✓  settings",
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

    const { code, out } = await run(
      "doctor",
      "--url",
      stack.url,
      "--token",
      token,
      "--wait",
      "0.1",
    );

    expect(out).toContain("✗  a ping comes: none within 0.1 s");
    expect(code).toBe(1);
  });

  test.each([
    [stopped.url, /✗ {2}the endpoint answers: connect ECONNREFUSED 127/],
    [backEnd.url, /✗ {2}the endpoint answers: HTTP 200 at \/socket\.io\/, which is not what/],
  ])("says what is wrong with the endpoint %s, and asks it no more", async (url, message) => {
    const { code, out } = await run("doctor", "--url", url, "--token", "any");

    expect(out.split("\n")).toEqual([
      expect.stringContaining("✓  settings"),
      expect.stringMatching(message),
    ]);
    expect(code).toBe(1);
  });

  test("reaches the API's own address, too", async () => {
    const token = await tokenFor({ org: newOrg() });

    const at = ["--url", stack.url, "--path", stack.stagePath, "--token", token];
    expect((await run("doctor", ...at)).out).toContain("✓  a message to oneself comes back");
  });

  test("refuses what is no URL in one sentence", async () => {
    expect(await run("doctor", "--url", "example.org")).toEqual({
      code: 1,
      out: "",
      err: '--url takes a URL like https://example.org, not "example.org".',
    });
  });

  test("names what is wrong, and fails", async () => {
    const wrong = ["--url", stack.url, "--token", "nonsense", "-c", "pingInterval=soon"];

    const { code, out } = await run("doctor", ...wrong);

    expect(out).toContain("✗  settings: the setting pingInterval");
    expect(out).toContain("✗  handshake and authentication: Authentication error");
    expect(code).toBe(1);
  });
});
