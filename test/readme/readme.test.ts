import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const README = readFileSync("README.md", "utf8");

/** The blocks of one language in the README, in their order. */
const blocks = (language: string): readonly string[] =>
  [...README.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))].map(([, block = ""]) =>
    block.trim(),
  );

const [START = "", TEST, DEPLOY = ""] = blocks("sh");
const OWN = "npm start -- --app examples/chat/app.ts";
const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const hasPython = spawnSync(PYTHON, ["-c", "import socketio, websocket"]).status === 0;
if (!hasPython)
  console.warn(`The Python client is not tested: ${PYTHON} has no socketio and websocket.`);

const folder = mkdtempSync(join(tmpdir(), "readme-"));
const clone = join(folder, "clone");
const running: ChildProcess[] = [];
let printed = "";
let url = "";
let token = "";

beforeAll(async () => {
  execFileSync("git", ["clone", "--quiet", process.cwd(), clone]);
  printed = await run(START, /Ctrl-C stops everything/);
  [, url = ""] = /Open (\S+) in two windows/.exec(printed) ?? [];
  [, token = ""] = /^ann {2}(\S+)$/m.exec(printed) ?? [];
}, 120_000);
afterAll(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
}, 60_000);

/** Stops all that runs, and waits for its end. */
const stopAll = () =>
  Promise.all(
    running.map(async (child) => {
      const ended = once(child, "close");
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await ended;
    }),
  );

/** Runs a command in the clone until its output matches, or until it ends. */
function run(command: string, until = /(?!)/): Promise<string> {
  const child = spawn("bash", ["-c", command], { cwd: clone, detached: true });
  running.push(child);
  let out = "";
  return new Promise((resolve) => {
    const add = (text: Buffer) => {
      out += text;
      if (until.test(out)) resolve(out);
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.on("close", () => {
      running.splice(running.indexOf(child), 1);
      resolve(out);
    });
  });
}

/** Runs a program made of README snippets in the clone. */
function runFile(
  command: string,
  name: string,
  lines: readonly string[],
  until?: RegExp,
): Promise<string> {
  writeFileSync(join(clone, name), lines.join("\n"));
  return run(`${command} ${name}`, until);
}

/** Replaces the URL of the README's examples by the local one. */
const here = (snippet: string): string =>
  snippet.replaceAll("https://d111111abcdef8.cloudfront.net", url);
const constants = () => `const url = ${JSON.stringify(url)}, token = ${JSON.stringify(token)};`;

test("the README's commands are these, and each is run here or by .ci/run", () => {
  expect([START, TEST, DEPLOY]).toEqual([
    "npm ci && npm start",
    "npm ci && npm test",
    "npx cdk deploy",
  ]);
  expect(blocks("sh")).toHaveLength(3);
  // A clean clone, npm ci, npm test: that is what .ci/run is.
  expect(readFileSync(".ci/run", "utf8")).toMatch(/npm ci[\s\S]*tests test\n/);
});

test("npm start serves the page at the printed URL", async () => {
  expect(url).toBe("http://127.0.0.1:3000");
  expect(await (await fetch(url)).text()).toContain("<title>Serverless Socket.IO</title>");
});

/** Commands within sentences. */
const inline = (pattern: RegExp): readonly string[] => [
  ...new Set([...README.matchAll(pattern)].map(([, command = ""]) => command)),
];
const OWN_DEPLOYS = inline(/`(npx cdk deploy [^`]+)`/g);

test.each([DEPLOY, ...OWN_DEPLOYS])(
  "%s synthesises the stack and then needs credentials",
  async (command) => {
    const environment = "AWS_EC2_METADATA_DISABLED=true HOME=/nonexistent";

    const output = await run(`${environment} timeout 100 ${command}`);

    expect(output).toMatch(/credentials|Unable to resolve AWS account/);
    expect(output).not.toMatch(/Subprocess exited with error/);
  },
  120_000,
);

test("the commands within sentences work", async () => {
  expect(inline(/`(npm (?:start|run) [^`]+)`/g).toSorted()).toEqual([
    "npm run check",
    "npm run pack",
    "npm run token -- --sub eve --org acme --projects p1,p2",
    OWN,
    "npm start -- --help",
  ]);
  expect(OWN_DEPLOYS).toEqual([
    "npx cdk deploy -c app=examples/chat/app.ts",
    'npx cdk deploy --app "npx tsx examples/chat/stack.ts"',
  ]);
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
    scripts: Record<string, string>;
  };

  for (const part of ["lint", "types", "knip", "npm test", "synth"])
    expect(scripts.check).toContain(part);
  expect(await run("npm run token -- --sub eve --org acme --projects p1,p2")).toMatch(/^eyJ/m);
  const help = await run("npm start -- --help");
  for (const [option] of README.matchAll(/(?<=`)--[\w-]+/g)) expect(help).toContain(option);
});

describe("its client", () => {
  const [first = "", , browser = "", native = "", ...more] = blocks("js");

  test("pasted into node joins, and is acknowledged", async () => {
    const both = /joined .*\{ ok: true \}|\{ ok: true \}.*joined .*\}/s;

    const answers = await runFile("node", "first.cjs", [constants(), first], both);

    expect(answers).toContain("joined { type: 'project', id: 'p1' }");
    expect(answers).toContain("{ ok: true }");
  });

  test.each([
    ["for browsers", browser.replace("io(", "const socket = io(")],
    ["for React Native", native],
  ])("%s connects", async (_, snippet) => {
    const output = await runFile("node", "client.cjs", [
      'const { io } = require("socket.io-client");',
      constants(),
      here(snippet),
      'socket.on("connect", () => { console.log("connected"); process.exit(); });',
      'socket.on("connect_error", ({ message }) => { console.log(message); process.exit(1); });',
    ]);

    expect(output).toBe("connected\n");
    expect(more).toEqual([]);
  });

  test("in TypeScript compiles, and receives its own message", async () => {
    const [, snippet = ""] = blocks("ts");
    const output = await runFile("npx tsc -p . && npx tsx", "bin/typed.ts", [
      `const token: string = ${JSON.stringify(token)};`,
      // The name of the package that npm run pack makes of it.
      here(snippet).replace("serverless-socket-io-client", "../client/index.ts"),
      'socket.on("message:new", () => process.exit());',
    ]);

    expect(output.trim().split("\n").at(-1)).toBe("ann hello");
  });

  test.skipIf(!hasPython)("in Python joins a room", async () => {
    const [snippet = ""] = blocks("python");
    const output = await runFile(PYTHON, "client.py", [
      `url, token = ${JSON.stringify(url)}, ${JSON.stringify(token)}`,
      // The snippet prints the answer: only then may its client go.
      "import builtins, threading",
      "answered = threading.Event()",
      "def print(*values): builtins.print(*values), answered.set()",
      snippet,
      "answered.wait(30)",
      "client.disconnect()",
    ]);

    expect(output).toContain("{'room': 'garden'}");
  });
});

describe("an application of one's own", () => {
  test("is shown as it is", () => {
    expect(blocks("ts")[0]).toBe(readFileSync("examples/chat/app.ts", "utf8").trim());
  });

  test("is started, and a stock client joins a room", async () => {
    // It has the same port, and the same folder for the synthesised stack.
    await stopAll();
    expect(await run(OWN, /Ctrl-C stops everything/)).toContain(
      "examples/chat/app.ts is served at http://127.0.0.1:3000",
    );

    const [, snippet = ""] = blocks("js");
    const lines = ['const { io } = require("socket.io-client");', snippet];
    expect(await runFile("node", "own.cjs", lines, /there:.*/)).toContain("there: [ 'ann' ]");
  });
});
