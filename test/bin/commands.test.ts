import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { run } from "../support/commands.ts";

describe.each([
  ...["start", "token", "integration", "docs", "build:size", "audit", "doctor", "bench", "chaos"],
  "tsx bench/matching.ts",
])("%s", (command) => {
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
      err: expect.stringMatching(/^Unknown option '--nonsense'[^\n]*$/),
    });
  });
});

test.each([
  [["--clients", "0"], /^--clients takes a number from 1 to 5000, not "0"\.$/],
  [["--clients", "1.5"], /^--clients takes a whole number, not "1\.5"\.$/],
  [["--kill", "2"], /^--kill takes a number from 0 to 1, not "2"\.$/],
  [["now"], /^Unexpected argument 'now'/],
])("chaos refuses %j in one sentence", async (args, message) => {
  expect(await run("chaos", ...args)).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(message),
  });
});

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
