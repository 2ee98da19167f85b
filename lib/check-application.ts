import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleInto, type EntryCode } from "./bundle.ts";
import { serverFile } from "./server-file.ts";
import type { ServerOptions } from "./server-props.ts";

/** Milliseconds that an application may take to load. */
const MAX_LOAD = 60_000;

/** An entry that throws what a function would find wrong with an application. */
export const checkOf = (app: string): EntryCode => ({
  name: "check.ts",
  folder: dirname(resolve(app)),
  code: `
import * as module from ${JSON.stringify(resolve(app))};
import { checkApp, checkAuthentication } from ${JSON.stringify(serverFile("check-app"))};
import { Limits } from ${JSON.stringify(serverFile("model/limits"))};

const { app } = module;
checkApp(app, (app?.limits ?? Limits).parse({}));
checkAuthentication(app);
`,
});

/** Where a bundle of that entry is. */
export const checkIn = (folder: string): string => pathToFileURL(join(folder, "index.mjs")).href;

/** Loads a bundle of it, and tells by file descriptor 3 what was thrown: an application may print what it likes. */
const LOAD = `
import(process.argv[1]).then(() => process.exit(0), (error) => {
  require("node:fs").writeSync(3, String(error?.message ?? error));
  process.exit(1);
});
`;

/**
 * Throws one sentence about an application that no function could serve: one that throws when it is loaded, or
 * that exports no `app`. It is bundled as functions are, so that it may be TypeScript on any Node, and loaded in
 * a process of its own, with the environment that they have.
 */
export function checkApplication(
  app: string,
  { environment = {}, lateModules = [] }: Pick<ServerOptions, "environment" | "lateModules">,
): void {
  if (!existsSync(app) || !statSync(app).isFile())
    throw new Error(`The application ${app} does not exist.`);
  const folder = mkdtempSync(join(tmpdir(), "application-"));
  try {
    bundleInto(folder, { entry: checkOf(app), lateModules });
    const { status, output } = spawnSync(process.execPath, ["-e", LOAD, checkIn(folder)], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "inherit", "pipe"],
      timeout: MAX_LOAD,
      encoding: "utf8",
    });
    if (status === null) throw new Error(`it takes more than ${MAX_LOAD / 1000} s to load`);
    if (status !== 0) throw new Error(output[3] || "it ends the process that loads it");
  } catch (error) {
    throw faultOf(app, error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is said of an application that is wrong. */
export function faultOf(app: string, error: unknown): Error {
  // esbuild has printed them, with their lines.
  const isOfBundler = error instanceof Error && "errors" in error;
  const reason = error instanceof Error ? error.message : error;
  const sentence = isOfBundler ? "it cannot be bundled." : String(reason);
  return new Error(
    `The application ${app}: ${/[.!?]$/.test(sentence) ? sentence : `${sentence}.`}`,
  );
}
