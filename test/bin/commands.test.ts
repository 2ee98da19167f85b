import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { run, runHere } from "../support/commands.ts";

describe.each([
  ...["start", "token", "integration", "docs", "build:size", "audit", "doctor", "bench", "chaos"],
  "cost",
  "tsx bench/matching.ts",
  ...["start", "token", "doctor"].map((name) => `tsx bin/serverless-socket-io.ts ${name}`),
])("%s", (command) => {
  test("prints help with --help, and refuses unknown options", async () => {
    const help = await run(command, "--help");
    const nonsense = await runHere(command, "--nonsense");

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
  [["--clients", "0"], /^--clients must be a number from 1 to 5000, not "0"\.$/],
  [["--clients", "1.5"], /^--clients must be a whole number, not "1\.5"\.$/],
  [["--kill", "2"], /^--kill must be a number from 0 to 1, not "2"\.$/],
  [["--cut-every", "0"], /^--cut-every must be a positive number of seconds, not "0"\.$/],
  [["now"], /^Unexpected argument 'now'/],
])("chaos refuses %j in one sentence", async (args, message) => {
  expect(await runHere("chaos", ...args)).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(message),
  });
});

test.each([
  [["--scene", "opera"], /^--scene must be one of idle, chat, large-room, live-table, not "opera"/],
  [["--users", "0"], /^--users must be a number from 1 to 5000, not "0"\.$/],
  [["--room", "2.5"], /^--room must be a whole number, not "2\.5"\.$/],
  [["--messages-per-minute", "many"], /^--messages-per-minute must be a number from 0 to 600/],
  [
    ["--scene", "idle", "--messages-per-minute", "1"],
    /^--messages-per-minute must be 0 in the scene idle, not "1"\.$/,
  ],
  [["--seconds", "300"], /^--seconds must be a number from 1 to 240, not "300"\.$/],
])("cost refuses %j in one sentence", async (args, message) => {
  expect(await runHere("cost", ...args)).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(message),
  });
});

test.each([
  [["--port", "x"], /^--port must be a number from 0 to 65535, not "x"\.$/],
  [["--lose-disconnects", "2"], /^--lose-disconnects must be a number from 0 to 1/],
  [["--cut-every", "0"], /^--cut-every must be a positive number of seconds, not "0"\.$/],
  [["--cut-every=-5"], /^--cut-every must be a positive number of seconds, not "-5"\.$/],
  [["--cut-every", "soon"], /^--cut-every must be a positive number of seconds, not "soon"\.$/],
  [["--cut-every", "Infinity"], /^--cut-every must be a positive number of seconds/],
  [["--port", "3.5"], /^--port must be a whole number, not "3\.5"\.$/],
  [["--secrets", "nope.json"], /^The file nope\.json of --secrets does not exist\.$/],
  [["--app", "docs"], /The application docs is not a file\.$/],
  [["--watch"], /^--watch needs --app\.$/],
  [["--app", "nowhere.ts"], /The application nowhere\.ts does not exist\.$/],
  [["--app", "README.md"], /The application README\.md: it cannot be bundled\.$/],
  [
    ["--app", "lambdas/server/errors.ts"],
    /The application lambdas\/server\/errors\.ts: an application has namespaces: export const app = /,
  ],
])("start refuses %j in one sentence", async (args, message) => {
  expect(await runHere("start", ...args)).toMatchObject({
    code: 1,
    err: expect.stringMatching(message),
  });
});

test("start prints where an application is wrong that cannot be bundled", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wrong-"));
  const file = join(folder, "wrong.ts");
  writeFileSync(file, "const names = [;\n");

  const { code, err } = await run("start", "--app", file);

  rmSync(folder, { recursive: true });
  expect(code).toBe(1);
  expect(err).toMatch(/\[ERROR\][\s\S]*wrong\.ts:1:15:[\s\S]*it cannot be bundled\.$/);
});

test("doctor refuses an empty token, as a variable that is not set would give it", async () => {
  expect(await runHere("doctor", "--token=")).toMatchObject({
    ...{ code: 1, out: "" },
    err: "--token is empty; leave it out if there is none.",
  });
});

describe("the package's command", () => {
  const command = "tsx bin/serverless-socket-io.ts";

  test("explains itself without arguments", async () => {
    expect((await runHere(command)).out).toContain("npx serverless-socket-io start --app FILE");
  });

  test("signs a token with any claims", async () => {
    const args = ["--sub", "ann", "--secret", "s", "--claims", '{"role":"admin"}'];
    const { out } = await runHere(command, "token", ...args);

    expect(decodeJwt(out)).toMatchObject({ sub: "ann", role: "admin", exp: expect.any(Number) });
  });

  test.each([
    [["run"], /^There is no command run; see --help\.$/],
    [["start"], /^--app is required; see --help\.$/],
    [["token", "--sub", "ann"], /^--secret is required; see --help\.$/],
    [["token", "--sub", "ann", "--claims", "[]"], /^--claims must be an object in JSON/],
    [["doctor"], /^--url is required; see --help\.$/],
    [["doctor", "--url", "http://h", "--auth", "x"], /^--auth must be an object in JSON/],
  ])("refuses %j in one sentence", async (args, message) => {
    expect(await runHere(command, ...args)).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(message),
    });
  });
});

describe("token", () => {
  const who = ["--sub", "ann", "--org", "acme"];

  test("prints a token with the given claims", async () => {
    const { code, out } = await runHere(
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

  test.each([
    [["--sub", "ann"], "--org is required; see --help."],
    [["--org", "acme"], "--sub is required; see --help."],
    [[...who, "--scope", "foo"], `--scope must be 'websocket' or 'api', not "foo".`],
    [[...who, "--expires", "soon"], '--expires must be a time like 30m, 12h or 7d, not "soon".'],
    [[...who, "--expires", "0m"], '--expires must be a time like 30m, 12h or 7d, not "0m".'],
    [[...who, "--projects", "*,p1"], "--projects must be ids or '*', not both."],
    [[...who, "--projects", "p1,"], '--projects has an empty id: "p1,".'],
    [[...who, "--secret", ""], "--secret is required; see --help."],
    [["--sub", "a".repeat(129), "--org", "acme"], /^--sub must be an id of 1 to 128 characters/],
  ])("refuses %j in one sentence", async (args, message) => {
    expect(await runHere("token", ...args)).toMatchObject({
      ...{ code: 1, out: "" },
      err: message instanceof RegExp ? expect.stringMatching(message) : message,
    });
  });
});

describe("integration", () => {
  // Nothing listens there: a command that sent a request would fail otherwise.
  const at = ["--org", "acme", "--function", "any", "--url", "http://127.0.0.1:1"];

  test.each([
    [["list"], "--org is required; see --help."],
    [["list", "--org", "", "--project", "p1"], "--org is required; see --help."],
    [["list", ...at], "--project is required; see --help."],
    [["list", "shop", "--project", "p1", ...at], "list takes no argument; remove shop."],
    [["get", "--project", "p1", ...at], "an integration's id is required; see --help."],
    [["get", "a", "b", "--project", "p1", ...at], "get takes one argument; remove b."],
    [
      ["put", "shop.json", "--project", "p1", ...at],
      "put takes no --project: the file contains it.",
    ],
    [at, "The command must be put, get, list or remove, not empty; see --help."],
    [
      ["list", "--org", "acme", "--url", "localhost:3000"],
      '--url must be a URL like http://127.0.0.1:3000, not "localhost:3000".',
    ],
    [
      ["list", "--org", "acme", "--function", ""],
      "the name of --function is required; see --help.",
    ],
  ])("refuses %j in one sentence", async (args, message) => {
    expect(await runHere("integration", ...args)).toEqual({ code: 1, out: "", err: message });
  });
});
