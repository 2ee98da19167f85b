import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const page = readFileSync("docs/adding-events.md", "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, block = ""]) => block,
  );

test("a stranger who follows docs/adding-events.md has an event of their own", async () => {
  const project = mkdtempSync(join(tmpdir(), "adding-events-"));
  const { stdout: files } = await run("git", ["ls-files", "-co", "--exclude-standard"]);
  for (const file of files.trim().split("\n")) {
    mkdirSync(join(project, dirname(file)), { recursive: true });
    cpSync(file, join(project, file));
  }
  symlinkSync(resolve("node_modules"), join(project, "node_modules"));
  await run("git", ["init", "-q"], { cwd: project });

  for (const block of blocks("ts")) write(project, block);
  for (const block of blocks("diff")) apply(project, block);
  const [commands = ""] = blocks("sh");

  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", commands], {
    cwd: project,
    // What this run tells its own tests is not for those.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: "1" },
    maxBuffer: 10_000_000,
  });
  expect(stdout).toMatch(/Tests {2}\d+ passed/);
  expect(stdout).not.toMatch(/failed/);
  rmSync(project, { recursive: true });
});

/** Writes the file that the first line of a block names. */
function write(project: string, block: string): void {
  const [, file = "", content = ""] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(block) ?? [];
  mkdirSync(join(project, dirname(file)), { recursive: true });
  writeFileSync(join(project, file), content);
}

/** Puts the added lines of a block behind the line above them, or in place of a removed one. */
function apply(project: string, block: string): void {
  const [first = "", ...lines] = block.trimEnd().split("\n");
  const file = join(project, first.replace(/^# /, ""));
  const text = readFileSync(file, "utf8").split("\n");
  let at = -1;
  for (const line of lines) {
    const content = line.slice(1);
    if (line.startsWith("+")) text.splice(++at, 0, content);
    else {
      at = text.indexOf(content);
      expect(at, `${first} has no line ${content}`).toBeGreaterThanOrEqual(0);
      if (line.startsWith("-")) text.splice(at--, 1);
    }
  }
  writeFileSync(file, text.join("\n"));
}
