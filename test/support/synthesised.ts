import type { TestProject } from "vitest/node";
import { synthesise } from "../../local/assembly.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder that `cdk synth` wrote for this run. */
    assembly: string;
  }
}

const ASSEMBLY = ".local/test-cdk.out";

/** Synthesises the stack once for all tests. */
export async function setup(project: TestProject): Promise<void> {
  await synthesise(ASSEMBLY);
  project.provide("assembly", ASSEMBLY);
}
