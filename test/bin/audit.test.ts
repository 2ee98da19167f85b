import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "audit-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Package {
  readonly dev?: boolean;
  readonly inBundle?: boolean;
  readonly integrity?: string;
}

/** Runs the audit with a fake npm that prints this; returns the output and whether it failed. */
function auditWith(printed: string): { readonly text: string; readonly failed: boolean } {
  const npm = join(folder, "npm");
  writeFileSync(npm, `#!/bin/sh\ncat <<'END'\n${printed}\nEND\nexit 1\n`);
  chmodSync(npm, 0o755);
  try {
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const args = ["--import", "tsx", "bin/audit.ts"];
    return { text: execFileSync(process.execPath, args, { env, encoding: "utf8" }), failed: false };
  } catch (error) {
    return { text: String((error as { readonly stdout: string }).stdout), failed: true };
  }
}

const report = (severity: string) =>
  JSON.stringify({
    metadata: {
      vulnerabilities: { low: 0, moderate: 1, high: 0, critical: 0, [severity]: 1 },
      dependencies: { prod: 90 },
    },
    vulnerabilities: { "bad-package": { severity } },
  });

describe("npm run audit", () => {
  test("names a package with a severe vulnerability, and fails", () => {
    const { text, failed } = auditWith(report("high"));

    expect(text).toContain("high: bad-package");
    expect(failed).toBe(true);
  });

  test("does not fail for a moderate one", () => {
    expect(auditWith(report("moderate")).failed).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["a network error", '{"error":{"code":"ENOTFOUND"}}'],
  ])("reports that the registry could not be reached if npm prints %s", (_, printed) => {
    const { text, failed } = auditWith(printed);

    expect(text).toContain("could not be reached");
    expect(failed).toBe(false);
  });
});

test("every package that runs in production is locked with a hash", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Record<string, Package>;
  };
  const production = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  const loose = production.filter(
    ([, { integrity, inBundle }]) => integrity === undefined && !inBundle,
  );

  expect(loose.map(([path]) => path)).toEqual([]);
});
