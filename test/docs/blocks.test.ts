import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, expect, test } from "vitest";

const run = promisify(execFile);
const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const hasPython = spawnSync(PYTHON, ["--version"]).status === 0;
if (!hasPython) console.warn(`The blocks of Python are not compiled: there is no ${PYTHON}.`);

interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /** Where it stands, e.g. `README.md:12`. */
  readonly at: string;
}

const inFolder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => file.endsWith(".md"));
const pages = ["README.md", "CONTRIBUTING.md", ...inFolder("docs"), ...inFolder("bin/pack")];

const blocks: readonly Block[] = pages.flatMap((page) => {
  const content = readFileSync(page, "utf8");
  return [...content.matchAll(/^[ \t]*```(\S*)[^\n]*\n(.*?)^[ \t]*```$/gms)].map((match) => {
    const [, language = "", text = ""] = match;
    const line = content.slice(0, match.index).split("\n").length;
    return { page, language, text, at: `${page}:${line}` };
  });
});

/** Pages whose blocks another test holds: they change files of a clone, or are declarations that the compiler has written. */
const FOLLOWED: Readonly<Record<string, string>> = {
  "docs/adding-events.md": "test/pages/adding-events.test.ts",
  "docs/api.md": "test/docs/generated.test.ts",
};

/** Languages that another test checks. */
const ELSEWHERE: Readonly<Record<string, string>> = { "logs-insights": "test/e2e/queries.test.ts" };

/** Languages that a test here checks; a block without one is a drawing, and Swift does not run here. */
const CHECKED = ["ts", "js", "python", "sh", "json"];
const ASIDE = ["", "swift"];

const isFollowed = ({ page }: Block): boolean => Object.hasOwn(FOLLOWED, page);
const of = (language: string) =>
  blocks.filter((block) => block.language === language && !isFollowed(block));

// Within the repository, where the package's own name and its dependencies are known.
mkdirSync(".local", { recursive: true });
const folder = resolve(mkdtempSync(join(".local", "blocks-")));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a block, by the name in its first line if it has one, into a folder of its page. */
function write({ page, language, text, at }: Block): string {
  const [, name = `${at.split(":")[1]}.${language}`] = /^\/\/ (\S+\.\w+)\n/.exec(text) ?? [];
  const file = join(folder, page.replaceAll("/", "-"), name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

test("every block of code is in a language that is checked, or on a page that a test follows", () => {
  const known = [...CHECKED, ...ASIDE, ...Object.keys(ELSEWHERE)];

  expect(
    blocks
      .filter((block) => !known.includes(block.language) && !isFollowed(block))
      .map(({ at }) => at),
  ).toEqual([]);
  for (const [page, file] of Object.entries(FOLLOWED))
    expect(readFileSync(file, "utf8")).toContain(`readFileSync("${page}"`);
  for (const [language, file] of Object.entries(ELSEWHERE))
    expect(readFileSync(file, "utf8")).toContain(`\`\`\`${language}`);
});

test("every block of TypeScript compiles, as strictly as this project does", async () => {
  const files = of("ts").map(write);
  const root = process.cwd();
  const declarations = (house: string) => join(root, house, "**/*.d.ts");
  const client = (file: string) => [join(root, "client", file)];
  // What a snippet takes from its reader.
  writeFileSync(join(folder, "reader.d.ts"), "declare const token: string;\n");
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        moduleDetection: "force",
        types: ["node"],
        typeRoots: [join(root, "node_modules/@types")],
        // A page's file stands where it says, in a clone.
        rootDirs: [root, ...new Set(pages.map((page) => join(folder, page.replaceAll("/", "-"))))],
        paths: {
          "serverless-socket-io-client": client("index.ts"),
          "serverless-socket-io-client/emitter": client("emitter.ts"),
          "serverless-socket-io-client/token": client("token.ts"),
        },
      },
      include: [join(folder, "**/*.ts"), ...["lambdas", "local"].map(declarations)],
      exclude: [],
    }),
  );

  const compiled = await run("node_modules/.bin/tsc", ["-p", folder]).catch(
    ({ stdout }: { readonly stdout: string }) => ({ stdout }),
  );

  expect(files.length).toBeGreaterThan(5);
  expect(compiled.stdout).toBe("");
});

test.each(of("js"))("the JavaScript at $at can be parsed", async ({ text }) => {
  await expect(transform(text, { loader: "js" })).resolves.toMatchObject({ warnings: [] });
});

test.each(of("json"))("the JSON at $at can be parsed", ({ text }) => {
  expect(() => JSON.parse(text)).not.toThrow();
});

test.each(of("sh"))("the shell commands at $at can be parsed", async ({ text }) => {
  await expect(run("bash", ["-n", "-c", text])).resolves.toMatchObject({ stderr: "" });
});

test.skipIf(!hasPython)("every block of Python compiles", async () => {
  const files = of("python").map(write);

  expect(files.length).toBeGreaterThan(0);
  await expect(run(PYTHON, ["-m", "py_compile", ...files])).resolves.toMatchObject({
    stderr: "",
  });
});
