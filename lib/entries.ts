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

/** What makes an application one with an Admin UI, and where that is: for functions with clients, and for others. */
const WITH_ADMIN = ["withAdmin", "admin"] as const;
const WATCHED: readonly [string, string] = ["watched", "admin/watch"];

/** The code of an application's entry files: each calls one of the server's handlers with it, and with its Admin UI. */
export function entriesOf(
  app: string,
  hasAdmin = false,
): Readonly<Record<keyof EntryFiles, EntryCode>> {
  if (!existsSync(app)) throw new Error(`The application ${app} does not exist.`);
  const entry = (name: string, handler: string, [wrap, file] = WATCHED): EntryCode => ({
    name: `${name}.ts`,
    folder: dirname(resolve(app)),
    code: `import { ${handler} } from ${JSON.stringify(serverFile(`functions/${name}`))};
import { app } from ${JSON.stringify(resolve(app))};
${hasAdmin ? `import { ${wrap} } from ${JSON.stringify(serverFile(file))};\n` : ""}
export const handler = await ${handler}(${hasAdmin ? `${wrap}(app)` : "app"});
`,
  });
  return {
    socket: entry("socket", "socketHandler", WITH_ADMIN),
    polling: entry("polling", "pollingHandler", WITH_ADMIN),
    heartbeat: entry("heartbeat", "heartbeatHandler"),
    fanOut: entry("fan-out", "fanOutHandler"),
    publish: entry("publish", "publishHandler"),
  };
}
