import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { scripts } from "../support/commands.ts";

const CI = ".ci/run";
const README = "test/readme/readme.test.ts";

/** Runs all commands of the guide, which must then be in it. */
const guide = (command: string) =>
  [
    ["test/pages/adding-events.test.ts", 'blocks("sh")'],
    ["docs/adding-events.md", `\n${command}`],
  ] as const;

/** Runs some of the projects of tests, all of which CI runs. */
const projects = (script: string) =>
  [
    [CI, "\n  npm run --silent test:all -- "],
    ["package.json", `"${script}": "vitest run --project `],
  ] as const;

/** Where each command is run: a file, and what stands there. */
const RUN: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "npm ci": [[CI, "\nstep npm ci "]],
  "npm start": [
    [README, "run(START.replace(INSTALLED, "],
    [README, "startInstead(OWN)"],
  ],
  "npm test": projects("test"),
  "npm run lint": [[CI, "\nstep npm run --silent lint\n"]],
  "npm run types": [[CI, "\nstep npm run --silent types\n"]],
  "npm run knip": [[CI, "\nstep npm run --silent knip\n"]],
  "npm run audit": [[CI, "\nstep npm run --silent audit\n"]],
  "npm run synth": [[CI, "\nstep npm run --silent synth -- "]],
  "npm run test:browser": projects("test:browser"),
  "npm run test:pages": projects("test:pages"),
  "npm run test:package": projects("test:package"),
  "npm run pack": [["test/package/package.test.ts", '"npm run --silent pack"']],
  "npm install": [
    [
      "test/package/package.test.ts",
      "[server, client] = PACKAGES.map(({ name }) => tarballOf(name))",
    ],
  ],
  "npx serverless-socket-io start": [
    ["test/package/package.test.ts", "node_modules/.bin/serverless-socket-io"],
    ["test/package/package.test.ts", '"--watch"'],
  ],
  "npx serverless-socket-io doctor": [
    ["test/bin/commands.test.ts", '["start", "token", "doctor"].map((name) => `tsx bin/serverless'],
  ],
  "npm run test:all": [[CI, "\n  npm run --silent test:all -- "]],
  "npm run test:faults": projects("test:faults"),
  "npm run test:shuffle": projects("test:shuffle"),
  "npm run test:polling": projects("test:polling"),
  "npm run chaos": [[CI, "\nstep npm run --silent chaos -- "]],
  "npm run cost": [[CI, "\nstep npm run --silent cost -- "]],
  "npm run bench": [[CI, "\nstep npm run --silent bench -- --quick\n"]],
  "npx tsx bench/matching.ts": [[CI, "\nstep npx tsx bench/matching.ts --quick\n"]],
  "npm run build:size": [[CI, "\nstep npm run --silent build:size\n"]],
  "npm run docs": guide("npm run docs"),
  "npx vitest run": guide("npx vitest run"),
  "npm run token": [[README, 'run("npm run token ']],
  "npm run integration": [["test/e2e/commands.test.ts", 'run("integration", "put", ']],
  "npm run doctor": [["test/e2e/doctor.test.ts", 'run("doctor", "--url", ']],
  "cdk synth": [["package.json", '"synth": "cdk synth ']],
  // As far as it goes without credentials.
  "cdk deploy": [
    [README, "credentials|Unable to resolve AWS account"],
    [README, "test.each([DEPLOY, ...OWN_DEPLOYS])"],
  ],
  "curl of docs/publishing.md": [
    ["test/e2e/publishing-page.test.ts", 'readFileSync("docs/publishing.md"'],
  ],
};

/** Why a command is not run. */
const NOT_RUN: Readonly<Record<string, string>> = {
  ".ci/run": "it is what runs the others",
  "aws cloudformation": "needs an AWS account, and a stack there",
  "aws logs": "needs an AWS account",
  "aws dynamodb": "needs an AWS account, and a table there",
  "cdk bootstrap": "needs an AWS account",
  "cdk destroy": "needs an AWS account, and a stack there",
  "cdk diff": "needs an AWS account, where there is something to compare with",
  "pip install": "is for a machine of the reader's; .ci/run has the same package from the system",
};

const docs = readdirSync("docs", { recursive: true }).map((file) => `docs/${file}`);
const pages = ["README.md", "CONTRIBUTING.md", ...docs.filter((file) => file.endsWith(".md"))];

/** What stands in the code of a page: blocks, and code within sentences. */
const codeOf = (page: string): readonly string[] =>
  [...readFileSync(page, "utf8").matchAll(/^```[\w-]*\n(.*?)^```|`([^`\n]+)`/gms)].map(
    ([, block, inline]) => block ?? inline ?? "",
  );

/** The commands in some code, each by its first words, without options. */
const commandsIn = (code: string, page: string): readonly string[] =>
  [
    ...code.matchAll(
      /(?<=^|&& |# |: )(?:npm|npx|cdk|node|curl|aws|pip|\.ci\/run)(?![\w.-])[^&#\n]*/gm,
    ),
  ].map(([line]) => nameOf(line.trim().split(/\s+/), page));

function nameOf([program = "", ...words]: readonly string[], page: string): string {
  if (program === "npx" && words[0] === "cdk") return nameOf(words, page);
  if (program === "curl") return `curl of ${page}`;
  const isLong = program === "npx" || words[0] === "run";
  return [program, ...words.slice(0, isLong ? 2 : 1)].join(" ");
}

/** A script that only runs others is run where they are. */
function partsOf(command: string): readonly string[] {
  const script = scripts[command.replace(/^npm (run )?/, "")] ?? "";
  return script.startsWith("npm ") ? commandsIn(script, "package.json") : [command];
}

const documented = new Set(
  pages.flatMap((page) => codeOf(page).flatMap((code) => commandsIn(code, page))),
);

test("every command of the documents is run by CI, or said not to be", () => {
  const all = [...documented].flatMap(partsOf);

  expect(all.filter((command) => !(command in RUN || command in NOT_RUN))).toEqual([]);
  // Nor is anything said of a command that no document has any more.
  const unknown = [...Object.keys(RUN), ...Object.keys(NOT_RUN)].filter(
    (command) => !all.includes(command),
  );
  expect(unknown).toEqual([]);
});

describe.each(Object.entries(RUN))("%s is run", (_, places) => {
  test.each(places)("by %s, which has %j", (file, text) => {
    expect(readFileSync(file, "utf8")).toContain(text);
  });
});

test("every script that the documents name is there", () => {
  const names = [...documented].flatMap((command) => command.split("npm run ")[1] ?? []);

  expect(names.filter((name) => !(name in scripts))).toEqual([]);
});

test("every file of tests that the documents name is there", () => {
  const code = pages.flatMap(codeOf);
  const named = code.flatMap((text) => text.match(/\b(?:test|bench)\/[\w/.-]+\.ts\b/g) ?? []);
  // The guide has its reader write this one.
  const written = code.flatMap((block) => /^\/\/ (\S+\.ts)\n/.exec(block)?.[1] ?? []);

  expect(named.filter((file) => !existsSync(file) && !written.includes(file))).toEqual([]);
});
