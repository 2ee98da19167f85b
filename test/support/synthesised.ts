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

/** What .ci/run has synthesised for all of its runs of tests. */
const given = process.env.ASSEMBLY;

const assembly = given ?? mkdtempSync(join(tmpdir(), "serverless-socket-io-"));

/** Synthesises the stack once for all tests, with all that is optional and can run here. */
export async function setup(project: TestProject): Promise<void> {
  if (given === undefined) await synthesise(assembly, { demo: "true" });
  project.provide("assembly", assembly);
}

export function teardown(): void {
  if (given === undefined) rmSync(assembly, { recursive: true });
}
