import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

/** The blocks of one language in the README, in their order. */
const blocks = (language: string): readonly string[] =>
  [
    ...readFileSync("README.md", "utf8").matchAll(
      new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"),
    ),
  ].map(([, block = ""]) => block.trim());

const folder = mkdtempSync(join(tmpdir(), "readme-"));
const clone = join(folder, "clone");
const running: ChildProcess[] = [];

beforeAll(() => execFileSync("git", ["clone", "--quiet", process.cwd(), clone]));
afterAll(() => {
  for (const child of running) if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  rmSync(folder, { recursive: true });
});

/** Runs a command line in the clone until it has printed something, or to its end. */
function run(command: string, until?: RegExp): Promise<string> {
  const child = spawn("bash", ["-c", command], { cwd: clone, detached: true });
  running.push(child);
  let out = "";
  return new Promise((resolve) => {
    const add = (text: Buffer) => {
      out += text;
      if (until?.test(out)) resolve(out);
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.on("close", () => {
      running.splice(running.indexOf(child), 1);
      resolve(out);
    });
  });
}

test("its commands are these, and each is run here or by .ci/run itself", () => {
  expect(blocks("sh")).toEqual(["npm ci && npm start", "npm ci && npm test", "npx cdk deploy"]);
  // A clean clone, npm ci, npm test: that is what .ci/run is.
  expect(readFileSync(".ci/run", "utf8")).toMatch(/npm ci[\s\S]*tests test\n/);
});

test("what it says of npm start holds: the page, the tokens, and the snippet", async () => {
  const [start = ""] = blocks("sh");
  const [snippet = ""] = blocks("js");

  const printed = await run(start, /Ctrl-C stops everything/);

  const [, url = ""] = /Open (\S+) in two windows/.exec(printed) ?? [];
  expect(url).toBe("http://127.0.0.1:3000");
  expect(await (await fetch(url)).text()).toContain("<title>Serverless Socket.IO</title>");
  const [, token = ""] = /^ann {2}(\S+)$/m.exec(printed) ?? [];
  writeFileSync(
    join(clone, "snippet.cjs"),
    `const token = ${JSON.stringify(token)};\n${snippet}\nsetTimeout(() => process.exit(), 3000);`,
  );
  const answers = await run("node snippet.cjs");
  expect(answers).toContain("joined { type: 'project', id: 'p1' }");
  expect(answers).toContain("{ ok: true }");
}, 120_000);

test("cdk deploy synthesises everything and then asks for credentials", async () => {
  const [, , deploy = ""] = blocks("sh");
  const environment = "AWS_EC2_METADATA_DISABLED=true HOME=/nonexistent";

  const printed = await run(`${environment} timeout 100 ${deploy}`);

  expect(printed).toMatch(/credentials|Unable to resolve AWS account/);
  expect(printed).not.toMatch(/Subprocess exited with error/);
}, 120_000);
