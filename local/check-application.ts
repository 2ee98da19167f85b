import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleInto, type EntryCode } from "../lib/bundle.ts";
import { serverFile } from "../lib/server-file.ts";

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

/** Runs a bundle of that entry. */
export const runCheck = (folder: string): Promise<unknown> =>
  import(pathToFileURL(join(folder, "index.mjs")).href);

/**
 * Throws one sentence about an application that no function could serve, before anything is served. It is
 * bundled as functions are, so that it may be TypeScript on any Node.
 */
export async function checkApplication(app: string): Promise<void> {
  if (!existsSync(app) || !statSync(app).isFile())
    throw new Error(`--app ${app}: there is no such file.`);
  const folder = mkdtempSync(join(tmpdir(), "application-"));
  try {
    bundleInto(folder, { entry: checkOf(app) });
    await runCheck(folder);
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
  return new Error(`--app ${app}: ${/[.!?]$/.test(sentence) ? sentence : `${sentence}.`}`);
}
