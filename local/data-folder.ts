import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";

/** The part of LevelDB's interface that the check uses. */
interface LevelModule {
  readonly Level: new (folder: string) => { open(): Promise<void>; close(): Promise<void> };
}

/** Creates the folder of the database. Throws one sentence if it cannot be used. */
export async function prepareDataFolder(folder: string): Promise<void> {
  try {
    makeFolder(resolve(folder));
  } catch (cause) {
    throw new Error(`--data cannot create the folder ${folder}: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const requireOfDynalite = createRequire(createRequire(import.meta.url).resolve("dynalite"));
  const { Level } = requireOfDynalite("level") as LevelModule;
  const level = new Level(folder);
  try {
    await level.open();
    await level.close();
  } catch (error) {
    const { cause = error } = error as { readonly cause?: unknown };
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(
      code === "LEVEL_LOCKED"
        ? `The folder ${folder} is in use by another process: choose another with --data.`
        : `The folder ${folder} cannot be used with --data: ${message}`,
      { cause },
    );
  }
}

/** Does not use mkdir's own recursion, which never ends if a parent cannot hold folders at all. */
function makeFolder(folder: string): void {
  const known = statSync(folder, { throwIfNoEntry: false });
  if (known?.isDirectory()) return;
  if (known !== undefined) throw new Error(`${folder} is a file`);
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
