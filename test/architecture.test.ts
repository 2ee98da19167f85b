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

  test("is within 456 KB without the pool for posts, and within each family's budget", () => {
    const { sdk, powertools, undici, rest } = bundle.families;
    expect(sdk + powertools + rest).toBeLessThanOrEqual(456 * KB);
    expect(powertools).toBeLessThanOrEqual(40 * KB);
    expect(undici).toBeLessThanOrEqual(180 * KB);
    expect(rest).toBeLessThanOrEqual(175 * KB);
  });
});

/** A file of ours and what it imports: files by their path, packages by their name. */
interface Imports {
  readonly file: string;
  readonly imports: readonly string[];
}

const sources: readonly Imports[] = ["lambdas", "lib", "local", "client"].flatMap((folder) =>
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

/** What only some may import: a pattern of the imported, and one of the files that may. */
const ONLY: readonly (readonly [imported: RegExp, by: RegExp])[] = [
  [/^engine\.io-parser$/, /^lambdas\/server\/engine\//],
  [/^socket\.io-parser$/, /^lambdas\/server\/socket\//],
  [
    /^(@aws-sdk|@smithy)\//,
    /^lambdas\/(server|mudbase)\/(store|gateway|functions|runtime\.ts)|^(client|local)\//,
  ],
  [/^(aws-cdk-lib|constructs)/, /^lib\//],
  [/^(ws|dynalite)$/, /^local\//],
  [/^(undici|ipaddr\.js)$/, /^lambdas\/(mudbase\/http|server\/gateway)\//],
  [/^zod$/, /^(lib|local)\//],
];

describe("only where it belongs is imported", () => {
  test.each(ONLY)("%s, by %s", (imported, by) => {
    const climbers = sources.filter(
      ({ file, imports }) => imports.some((name) => imported.test(name)) && !by.test(file),
    );

    expect(climbers.map(({ file }) => file)).toEqual([]);
  });
});

describe("an event", () => {
  const files = readdirSync("lambdas/mudbase")
    .map((file) => join("lambdas/mudbase", file))
    .filter((file) => file.endsWith(".ts") && readFileSync(file, "utf8").includes("defineEvent({"));

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
