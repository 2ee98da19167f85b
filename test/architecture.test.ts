import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { events } from "../lambdas/events/index.ts";
import { readBundles } from "../local/bundles.ts";

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

  test("is the same asset wherever it is made: its notes do not name the folder it was made in", () => {
    expect(readFileSync(bundle.notes, "utf8")).not.toContain("bundling-temp");
  });

  test("is within 460 KB without the pool for posts, and within each family's budget", () => {
    const { sdk, powertools, undici, rest } = bundle.families;
    expect(sdk + powertools + rest).toBeLessThanOrEqual(460 * KB);
    expect(powertools).toBeLessThanOrEqual(40 * KB);
    expect(undici).toBeLessThanOrEqual(180 * KB);
    expect(rest).toBeLessThanOrEqual(170 * KB);
  });
});

describe("an event", () => {
  const files = readdirSync("lambdas/events", { recursive: true })
    .map((file) => join("lambdas/events", String(file)))
    .filter((file) => file.endsWith(".ts") && readFileSync(file, "utf8").includes("defineEvent({"));

  test("is one file named after it, and every such file is registered", () => {
    const names = files.map((file) => basename(file, ".ts")).toSorted();

    expect(names).toEqual([...events.keys()].map((name) => name.replaceAll(":", "-")).toSorted());
  });

  test.each(files)("%s has the five fields in their order, and no clock, chance or SDK", (file) => {
    const text = readFileSync(file, "utf8");
    const fields = [...text.matchAll(/^ {2}(?:async )?(name|payload|access|reply|handle)\b/gm)].map(
      ([, field]) => field,
    );

    expect(fields.filter((field) => field !== "reply")).toEqual([
      "name",
      "payload",
      "access",
      "handle",
    ]);
    expect(fields.includes("reply") ? fields.indexOf("reply") : 3).toBe(3);
    expect(text).not.toMatch(/Date\.now|Math\.random|randomUUID|console\.|\btry\b|@aws-sdk/);
  });
});
