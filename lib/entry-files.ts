import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Stage } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Paths of the TypeScript files whose `handler` Lambda calls. */
export interface EntryFiles {
  readonly socket: string;
  readonly heartbeat: string;
  readonly fanOut: string;
  readonly publish: string;
}

const SERVER = fileURLToPath(new URL("../lambdas/server/functions/", import.meta.url));

/**
 * Writes an application's entry files, one for each function. They stand in the output of `cdk synth`,
 * at a path that depends on the application's own: bundles, whose source maps name their files, are
 * the same assets on every machine.
 */
export function writeEntryFiles(scope: Construct, app: string): EntryFiles {
  if (!existsSync(app))
    throw new Error(`${scope.node.path}: the application ${app} does not exist`);
  const key = createHash("sha256").update(relative("", app)).digest("hex").slice(0, 16);
  const folder = join(Stage.of(scope)?.outdir ?? "cdk.out", `entries.${key}`);
  mkdirSync(folder, { recursive: true });

  const write = (name: string, handler: string): string => {
    const entry = join(folder, `${name}.ts`);
    writeFileSync(
      entry,
      `import { ${handler} } from ${JSON.stringify(join(SERVER, `${name}.ts`))};
import { app } from ${JSON.stringify(resolve(app))};

export const handler = ${handler}(app);
`,
    );
    return entry;
  };
  return {
    socket: write("socket", "socketHandler"),
    heartbeat: write("heartbeat", "heartbeatHandler"),
    fanOut: write("fan-out", "fanOutHandler"),
    publish: write("publish", "publishHandler"),
  };
}
