import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { checkApp } from "../lambdas/server/check-app.ts";
import { bundleInto, type EntryCode } from "./bundle.ts";
import { serverFile } from "./server-file.ts";
import type { ServerOptions } from "./server-props.ts";

/** The exit code where an application throws while it is loaded. */
const UNLOADED = 2;

/** What functions have in their environment besides; what it is, is known in AWS alone. */
const OF_FUNCTIONS = {
  TABLE_NAME: "table",
  AWS_REGION: "us-east-1",
  LIMITS: "{}",
  HEARTBEAT: "{}",
};

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
try {
  checkApp(app, (app?.limits ?? Limits).parse({}));
  checkAuthentication(app);
} catch (error) {
  throw Object.assign(error, { isOfDeclaration: true });
}
`,
});

/** Where a bundle of that entry is. */
export const checkIn = (folder: string): string => pathToFileURL(join(folder, "index.mjs")).href;

/** Loads a bundle of it, and tells by file descriptor 3 what was thrown: an application may print what it likes. */
const LOAD = `
import(process.argv[1]).then(() => process.exit(0), (error) => {
  require("node:fs").writeSync(3, String(error?.message ?? error));
  process.exit(error?.isOfDeclaration ? 1 : ${UNLOADED});
});
`;

/**
 * Throws one sentence about an application that no function could serve, e.g. that exports no `app`. It is bundled
 * as functions are, so that it may be TypeScript on any Node, and loaded in a process of its own. Gives a sentence
 * where it throws while it is loaded: in Lambda it may find what it misses here.
 */
export function checkApplication(
  app: string,
  { environment = {}, lateModules = [] }: Pick<ServerOptions, "environment" | "lateModules">,
): string | undefined {
  if (!existsSync(app)) throw new Error(`The application ${app} does not exist.`);
  if (!statSync(app).isFile()) throw new Error(`The application ${app} is not a file.`);
  const folder = mkdtempSync(join(tmpdir(), "application-"));
  try {
    if (exportsNone(app)) checkApp({ namespaces: {} }, {});
    bundleInto(folder, { entry: checkOf(app), lateModules });
    const { status, output, error } = spawnSync(process.execPath, ["-e", LOAD, checkIn(folder)], {
      env: { ...OF_FUNCTIONS, ...process.env, ...environment },
      stdio: ["ignore", "ignore", "inherit", "pipe"],
      timeout: MAX_LOAD,
      encoding: "utf8",
    });
    if (error !== undefined) throw new Error(`it takes more than ${MAX_LOAD / 1000} s to load`);
    if (status === UNLOADED) return faultOf(app, output[3] || "it cannot be loaded").message;
    if (status !== 0) throw new Error(output[3] || "it ends the process that loads it");
  } catch (error) {
    throw faultOf(app, error);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return undefined;
}

/**
 * Whether a file exports no `app`, as far as that can be told without the files that it imports: a stack in place of its
 * application would take minutes to bundle, and be synthesised to load it.
 */
function exportsNone(app: string): boolean {
  const { metafile, outputFiles } = buildSync({
    ...({ entryPoints: [app], format: "esm", outdir: "out" } as const),
    ...({ bundle: false, write: false, metafile: true, logLevel: "error" } as const),
  });
  const [{ format } = {}] = Object.values(metafile.inputs);
  const [{ exports: names = [] } = {}] = Object.values(metafile.outputs);
  const reexports = outputFiles.some(({ text }) => /^export \*/m.test(text));
  return format === "esm" && !names.includes("app") && !reexports;
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
