import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { startFromAssembly } from "./running.ts";

/**
 * Starts a separate stack of what this puts into a CDK app, synthesised into a folder of its own, which
 * `stop` removes. Beside `running.ts`, because most tests need no CDK.
 */
export async function startFromApp(build: (app: App) => void) {
  const assembly = mkdtempSync(join(tmpdir(), "assembly-"));
  // The CDK's CLI sets this context, by which assets are found in the template.
  const app = new App({ outdir: assembly, context: { "aws:cdk:enable-asset-metadata": true } });
  build(app);
  app.synth();
  const stack = await startFromAssembly(assembly);
  return {
    ...{ assembly, stack },
    async stop(): Promise<void> {
      await stack.stop();
      rmSync(assembly, { recursive: true });
    },
  };
}
