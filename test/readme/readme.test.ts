import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const README = readFileSync("README.md", "utf8");
const CONTRACT = readFileSync("docs/contract.md", "utf8");

/** The blocks of one language in a page, in their order. */
const blocks = (language: string, page = README): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))].map(([, block = ""]) =>
    block.trim(),
  );

const [PACK, INSTALL, OWN_START, START = "", DEPLOY = "", TEST, ...others] = blocks("sh");
const OWN = "npm start -- --app examples/chat/app.ts";
/** What .ci/run begins with, on a clean clone: it is not done again here. */
const INSTALLED = "npm ci && ";
/** What page one has its reader write, by its name: a project of the reader's and this clone can both run it. */
const FILES = [...blocks("ts"), ...blocks("js")].flatMap((block) => {
  const [, file, text = ""] = /^\/\/ (\S+\.\w+)\n(.*)$/s.exec(block) ?? [];
  return file === undefined ? [] : [[file, text] as const];
});
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
  symlinkSync(resolve("node_modules"), join(clone, "node_modules"));
  mkdirSync(join(clone, "realtime"));
  for (const [file, text] of FILES) writeFileSync(join(clone, file), text);
  printed = await run(START.replace(INSTALLED, ""), /Ctrl-C stops everything/);
  [, url = ""] = /Open (\S+) to try it/.exec(printed) ?? [];
  [, token = ""] = /^ann {2}(\S+)$/m.exec(printed) ?? [];
});
afterAll(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
});

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

test("the README's commands are these, and each is run here, by test/package or by .ci/run", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const tarball = `../serverless-socket-io/dist/serverless-socket-io-${version}.tgz`;

  expect([PACK, INSTALL, OWN_START, START, DEPLOY, TEST, ...others]).toEqual([
    "npm ci && npm run pack",
    `npm install ${tarball} aws-cdk-lib constructs zod`,
    "npx serverless-socket-io start --app realtime/app.ts --watch",
    "npm ci && npm start",
    "npx cdk deploy",
    "npm ci && npm test",
  ]);
  // A clean clone, npm ci, and npm test with all other tests: that is what .ci/run is.
  expect(readFileSync(".ci/run", "utf8")).toMatch(/npm ci[\s\S]*npm run --silent test:all/);
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
    // With CloudFormation's rules, as for the reader; .ci/run applies them to the contract's stack.
    const rules = `CDK_VALIDATION=${command !== DEPLOY}`;
    const environment = `AWS_EC2_METADATA_DISABLED=true HOME=/nonexistent ${rules}`;

    const output = await run(`${environment} timeout 100 ${command}`);

    expect(output).toMatch(/credentials|Unable to resolve AWS account/);
    expect(output).not.toMatch(/Subprocess exited with error/);
  },
);

test("the commands within sentences work", async () => {
  expect(inline(/`(npm (?:start|run) [^`]+)`/g).toSorted()).toEqual([
    "npm run check",
    // CI runs it with fewer users.
    "npm run cost -- --users 1000 --messages-per-minute 1 --room 10",
    "npm run token -- --sub eve --org acme --projects p1,p2",
    OWN,
    "npm start -- --help",
  ]);
  expect(OWN_DEPLOYS).toEqual([
    'npx cdk deploy --app "npx tsx cdk.ts"',
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

describe("the contract's client", () => {
  const [first = "", browser = "", ...more] = blocks("js", CONTRACT);

  test("pasted into node joins, and is acknowledged", async () => {
    const both = /joined .*\{ ok: true \}|\{ ok: true \}.*joined .*\}/s;

    const answers = await runFile("node", "first.cjs", [constants(), first], both);

    expect(answers).toContain("joined { type: 'project', id: 'p1' }");
    expect(answers).toContain("{ ok: true }");
    expect(more).toEqual([]);
  });

  test("for browsers connects", async () => {
    expect(await connected(browser.replace("io(", "const socket = io("))).toBe("connected\n");
  });

  test("in TypeScript compiles, and receives its own message", async () => {
    const [snippet = ""] = blocks("ts", CONTRACT);
    const output = await runFile("npx tsc -p . && npx tsx", "bin/typed.ts", [
      `const token: string = ${JSON.stringify(token)};`,
      // The name of the package that npm run pack makes of it.
      here(snippet).replace("serverless-socket-io-client", "../client/index.ts"),
      'socket.on("message:new", () => process.exit());',
    ]);

    expect(output.trim().split("\n").at(-1)).toBe("ann hello");
  });
});

/** What a client says that has connected, or has not. */
const connected = (snippet: string): Promise<string> =>
  runFile("node", "client.cjs", [
    'const { io } = require("socket.io-client");',
    constants(),
    here(snippet),
    'socket.on("connect", () => { console.log("connected"); process.exit(); });',
    'socket.on("connect_error", ({ message }) => { console.log(message); process.exit(1); });',
  ]);

/** Starts an application in place of what runs: it has the same port, and the same folder for its stack. */
async function startInstead(command: string): Promise<string> {
  await stopAll();
  return run(command, /Ctrl-C stops everything/);
}

describe("the application of page one", () => {
  const [, deployed = "", native = "", ...more] = blocks("js");

  beforeAll(async () => {
    expect(await startInstead("npm start -- --app realtime/app.ts")).toContain(
      "realtime/app.ts is served at http://127.0.0.1:3000",
    );
  });

  test("has at most twenty lines", () => {
    expect(
      FILES.find(([file]) => file === "realtime/app.ts")?.[1]?.split("\n").length,
    ).toBeLessThan(21);
  });

  test("is what its two clients talk through", async () => {
    expect(await run("node try.mjs", /received/)).toBe("ben joined\nben received hello\n");
  });

  test.each([
    ["at the edge", deployed.replace("io(", "const socket = io(")],
    ["for React Native", native],
  ])("is connected to by the client %s", async (_, snippet) => {
    expect(await connected(snippet)).toBe("connected\n");
    expect(more).toEqual([]);
  });

  test.skipIf(!hasPython)("is joined by a client in Python", async () => {
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

    expect(output).toContain("joined");
  });
});

describe("the example of a chat", () => {
  test("is started, and a stock client joins a room", async () => {
    expect(await startInstead(OWN)).toContain(
      "examples/chat/app.ts is served at http://127.0.0.1:3000",
    );

    const output = await runFile(
      "node",
      "own.cjs",
      [
        'const { io } = require("socket.io-client");',
        `const socket = io(${JSON.stringify(url)}, { auth: { nickname: "ann" } });`,
        'socket.emit("join", "garden", (there) => console.log("there:", there));',
      ],
      /there:.*/,
    );
    expect(output).toContain("there: [ 'ann' ]");
  });
});
