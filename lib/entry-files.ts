import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Paths of the TypeScript files whose `handler` Lambda calls. */
export interface EntryFiles {
  readonly socket: string;
  readonly polling: string;
  readonly heartbeat: string;
  readonly fanOut: string;
  readonly publish: string;
}

const HANDLERS = fileURLToPath(new URL("../lambdas/server/functions/", import.meta.url));

/**
 * Writes an application's entry files, one for each function, into the folder that CDK projects ignore.
 * esbuild takes none from outside the project, and names them in source maps: so the same application
 * has the same path, and its bundles are the same assets, in every checkout.
 */
export function writeEntryFiles(app: string): EntryFiles {
  if (!existsSync(app)) throw new Error(`The application ${app} does not exist.`);
  const key = createHash("sha256").update(relative("", app)).digest("hex").slice(0, 16);
  const folder = resolve("cdk.out", `entries.${key}`);
  mkdirSync(folder, { recursive: true });

  const write = (name: string, handler: string): string => {
    const entry = join(folder, `${name}.ts`);
    // Replaced as a whole: another process may be bundling it.
    const draft = `${entry}.${process.pid}`;
    writeFileSync(
      draft,
      `import { ${handler} } from ${JSON.stringify(join(HANDLERS, `${name}.ts`))};
import { app } from ${JSON.stringify(resolve(app))};

export const handler = ${handler}(app);
`,
    );
    renameSync(draft, entry);
    return entry;
  };
  return {
    socket: write("socket", "socketHandler"),
    polling: write("polling", "pollingHandler"),
    heartbeat: write("heartbeat", "heartbeatHandler"),
    fanOut: write("fan-out", "fanOutHandler"),
    publish: write("publish", "publishHandler"),
  };
}
