import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthesise } from "../../local/assembly.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder that `cdk synth` wrote for this run. */
    assembly: string;
  }
}

/** The cloud assembly that .ci/run shares between its runs of tests. */
const shared = process.env.ASSEMBLY;

const assembly = shared ?? mkdtempSync(join(tmpdir(), "serverless-socket-io-"));

/** Synthesises the stack once for all tests, with all optional parts that can run locally. */
export async function setup(project: TestProject): Promise<void> {
  if (shared === undefined) await synthesise(assembly, { demo: "true" });
  project.provide("assembly", assembly);
}

export function teardown(): void {
  if (shared === undefined) rmSync(assembly, { recursive: true });
}
