import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";

/** The database's own files, as far as they are tried here. */
interface LevelModule {
  readonly Level: new (folder: string) => { open(): Promise<void>; close(): Promise<void> };
}

/** Makes the folder that the database is kept in. Throws one sentence where it cannot be used. */
export async function prepareDataFolder(folder: string): Promise<void> {
  try {
    makeFolder(resolve(folder));
  } catch (cause) {
    throw new Error(`--data cannot make the folder ${folder}: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const ofDatabase = createRequire(createRequire(import.meta.url).resolve("dynalite"));
  const { Level } = ofDatabase("level") as LevelModule;
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

/** Without mkdir's own recursion, which does not end where a parent can have no folders at all. */
function makeFolder(folder: string): void {
  const known = statSync(folder, { throwIfNoEntry: false });
  if (known?.isDirectory()) return;
  if (known !== undefined) throw new Error(`${folder} is a file`);
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
