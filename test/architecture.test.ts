import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { readBundles } from "../local/bundles.ts";
import { events } from "./support/contract.ts";

const KB = 1000;

describe.each(
  readBundles(inject("assembly")).map((bundle) => [bundle.functionName, bundle] as const),
)("the bundle of %s", (_, bundle) => {
  test("holds nothing that only runs here or at synth", () => {
    const strangers = bundle.files.filter((file) =>
      /^(local|lib|bin|test)\/|node_modules\/(ws|dynalite|aws-cdk-lib|constructs|debug)\//.test(
        file,
      ),
    );

    expect(strangers).toEqual([]);
  });

  test("is the same asset wherever it is made: its metafile does not name the folder it was made in", () => {
    expect(readFileSync(bundle.metafile, "utf8")).not.toContain("bundling-temp");
  });

  test("is within 540 KB without the pool for posts, and within each family's budget", () => {
    const { sdk, powertools, undici, rest } = bundle.families;
    expect(sdk + powertools + rest).toBeLessThanOrEqual(540 * KB);
    expect(powertools).toBeLessThanOrEqual(40 * KB);
    expect(undici).toBeLessThanOrEqual(180 * KB);
    expect(rest).toBeLessThanOrEqual(266 * KB);
  });
});

/** A file of ours and what it imports: files by their path, packages by their name. */
interface Imports {
  readonly file: string;
  readonly imports: readonly string[];
}

const sources: readonly Imports[] = [
  "lambdas",
  "lib",
  "local",
  "client",
  "bin",
  "examples",
].flatMap((folder) =>
  readdirSync(folder, { recursive: true })
    .map((file) => join(folder, String(file)))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file, imports: importsOf(file) })),
);

function importsOf(file: string): readonly string[] {
  const named = readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"([^"]+)"/g);
  return [...named].map(([, name = ""]) => {
    if (name.startsWith("#")) return `lambdas/${name.slice(1)}`;
    return name.startsWith(".") ? normalize(join(dirname(file), name)) : name;
  });
}

/** The walls: files that match import nothing that matches, unless that is excepted. */
const WALLS: readonly (readonly [files: RegExp, never: RegExp, but?: RegExp])[] = [
  [/^lambdas\/server\//, /^lambdas\/(?!server\/)|^(lib|local|client|examples)\//],
  [/^lambdas\/mudbase\//, /^(lib|local|client|examples)\//],
  [/^client\/(?!demo\/)/, /^(lambdas|lib|local|bin)\//],
  [/^lambdas\/server\/model\//, /^lambdas\/server\/(?!model\/)/],
  [/^lambdas\/server\/engine\//, /^lambdas\/server\/(?!model\/|engine\/)/],
  [/^lambdas\/server\/socket\//, /^lambdas\/server\/(?!model\/|socket\/)/],
  [/^lambdas\/server\/store\//, /^lambdas\/server\/(?!model\/|store\/)/],
  [/^lambdas\/server\/gateway\//, /^lambdas\/server\/(?!model\/|gateway\/)/],
  [/./, /^engine\.io-parser$/, /^lambdas\/server\/engine\//],
  [/./, /^socket\.io-parser$/, /^lambdas\/server\/socket\/|^client\/parser\.ts$/],
  [/^(lambdas|lib)\//, /^(@aws-sdk|@smithy)\//, /\/(store|gateway)\/|server\/runtime\.ts$/],
  [/./, /^(aws-cdk-lib|constructs)/, /^(lib|examples)\/|^bin\/app\.ts$/],
  [/./, /^(ws|dynalite)$/, /^local\//],
  [/./, /^(undici|ipaddr\.js)\b/, /^lambdas\/(mudbase\/http|server\/gateway)\//],
  [/^lambdas\//, /^zod$/],
];

describe("the wall", () => {
  const walls = WALLS.map(([files, never, but]) => ({ files, never, but }));

  test.each(walls)("holds: no file of $files imports $never, but $but", ({ files, never, but }) => {
    const climbers = sources.filter(
      ({ file, imports }) =>
        files.test(file) && !but?.test(file) && imports.some((name) => never.test(name)),
    );

    expect(climbers.map(({ file }) => file)).toEqual([]);
  });

  test("keeps the words of the contract out of the server, and of the examples", () => {
    const words =
      /organi[sz]ation|projects?(?!ion|ed)|\bchat|presence|wallet|integration|webhook|live quer|mudbase|\borg\b|contract/i;
    const speaking = sources
      .filter(({ file }) => file.startsWith("lambdas/server/"))
      .flatMap(({ file }) =>
        readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => words.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );

    expect(speaking).toEqual([]);
  });
});

const MAX_LINES = 300;

test(`no file of the functions is longer than ${MAX_LINES} lines`, () => {
  const long = sources
    .filter(({ file }) => file.startsWith("lambdas/"))
    .map(({ file }) => [file, readFileSync(file, "utf8").split("\n").length - 1] as const)
    .filter(([, lines]) => lines > MAX_LINES);

  expect(long).toEqual([]);
});

describe("an event", () => {
  const files = readdirSync("lambdas/mudbase")
    .map((file) => join("lambdas/mudbase", file))
    .filter(
      (file) =>
        file.endsWith(".ts") &&
        /@__PURE__.+define(Event|Membership)/.test(readFileSync(file, "utf8")),
    );

  test("stands in the file that is named by the part of its name before the first colon", () => {
    const misplaced = [...events.keys()].filter((name) => {
      const file = join("lambdas/mudbase", `${name.split(":")[0]}.ts`);
      return !files.includes(file) || !readFileSync(file, "utf8").includes(`name: "${name}"`);
    });

    expect(misplaced).toEqual([]);
    expect(files.map((file) => basename(file, ".ts")).toSorted()).toEqual(
      [...new Set([...events.keys()].map((name) => name.split(":")[0]))].toSorted(),
    );
  });

  test.each(files)("of %s uses no clock, no chance and no SDK", (file) => {
    const text = readFileSync(file, "utf8");

    expect(text).not.toMatch(/Date\.now|Math\.random|randomUUID|console\.|\btry\b|@aws-sdk/);
  });
});
