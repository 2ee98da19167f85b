import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { EntryCode } from "./bundle.ts";
import { serverFile } from "./server-file.ts";

/** Paths of the TypeScript files whose `handler` Lambda calls; relative ones are from where the CDK runs. */
export interface EntryFiles {
  readonly socket: string;
  readonly polling: string;
  readonly heartbeat: string;
  readonly fanOut: string;
  readonly publish: string;
}

/** The code of an application's entry files: each calls one of the server's handlers with it. */
export function entriesOf(app: string): Readonly<Record<keyof EntryFiles, EntryCode>> {
  if (!existsSync(app)) throw new Error(`The application ${app} does not exist.`);
  const entry = (name: string, handler: string): EntryCode => ({
    name: `${name}.ts`,
    folder: dirname(resolve(app)),
    code: `import { ${handler} } from ${JSON.stringify(serverFile(`functions/${name}`))};
import { app } from ${JSON.stringify(resolve(app))};

export const handler = ${handler}(app);
`,
  });
  return {
    socket: entry("socket", "socketHandler"),
    polling: entry("polling", "pollingHandler"),
    heartbeat: entry("heartbeat", "heartbeatHandler"),
    fanOut: entry("fan-out", "fanOutHandler"),
    publish: entry("publish", "publishHandler"),
  };
}
