import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleTogether, filesOf } from "../lib/bundle.ts";
import { checkIn, checkOf } from "../lib/check-application.ts";
import { type EntryFiles, entriesOf } from "../lib/entries.ts";
import { synthesiseApplication } from "../lib/synthesise.ts";
import { type LocalStack, startStack } from "./stack.ts";
import { readStack } from "./template.ts";
import type { TestStackOptions } from "./testing.ts";

/** How an application runs on this machine. */
export interface ApplicationOptions extends TestStackOptions {
  readonly port: number;
  readonly log: (functionName: string, text: string) => void;
}

/** An application that runs. */
export interface RunningApplication {
  readonly stack: LocalStack;
  /** Its source files, packages excluded. */
  files(): readonly string[];
  /** Bundles it again and runs that, while connections and data stay; rejects if no function could serve it. */
  reload(): Promise<void>;
}

/** The constructs whose functions run an application's entries. */
const CONSTRUCTS = {
  socket: "ServerSocket",
  polling: "ServerPolling",
  heartbeat: "ServerHeartbeat",
  fanOut: "ServerFanOut",
  publish: "ServerPublish",
} as const satisfies Readonly<Record<keyof EntryFiles, string>>;

/** Synthesises an application and runs it from the template that it would be deployed with. */
export async function startApplication({
  app,
  props,
  ...options
}: ApplicationOptions): Promise<RunningApplication> {
  const folder = mkdtempSync(join(tmpdir(), "serverless-socket-io-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const assembly = join(folder, "0");
    synthesiseApplication(assembly, { ...props, app });
    const stack = await startStack({ ...options, assembly, secret: "" });
    const bundles = readStack(assembly).functions.map(({ code }) => code);
    let files = bundles.flatMap(filesOf);
    let made = 0;
    return {
      stack: {
        ...stack,
        async stop() {
          await stack.stop();
          remove();
        },
      },
      files: () => sourcesAmong(files),
      async reload() {
        made += 1;
        // Beside those that may still run.
        const into = join(folder, String(made));
        const entries = { ...entriesOf(app, props?.admin !== undefined), check: checkOf(app) };
        files = [...(await bundleTogether(into, entries, props?.lateModules))];
        await import(checkIn(join(into, "check")));
        stack.reload(foldersIn(into, stack));
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Where the bundle of each function lies that there is. */
const foldersIn = (folder: string, { functions: { names } }: LocalStack) =>
  new Map(
    Object.entries(CONSTRUCTS).flatMap(([entry, construct]) =>
      names
        .filter((name) => name.startsWith(construct))
        .map((name) => [name, join(folder, entry)] as const),
    ),
  );

/** Those of some files that are no package's, by their absolute paths. */
const sourcesAmong = (files: readonly string[]): readonly string[] => [
  ...new Set(
    files
      .map((file) => resolve(file))
      .filter((file) => !file.includes("/node_modules/") && existsSync(file)),
  ),
];
