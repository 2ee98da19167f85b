import { watch } from "node:fs";
import { dirname, resolve } from "node:path";

/** Milliseconds for which the changes of one save are gathered. */
const GATHERING = 50;

/**
 * Calls back after these files have changed, once for all changes of a moment and never while it is still at
 * work; the files are asked for again then. Until it gives `true`, any change in their folders counts: what is
 * wrong may be in a new file. Folders are watched, because editors replace files.
 */
export function watchFiles(files: () => readonly string[], act: () => Promise<boolean>): void {
  const folders = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let acting: Promise<unknown> = Promise.resolve();
  let isWhole = true;

  function follow(): void {
    for (const folder of files().map((file) => dirname(file))) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      watch(folder, (_, name) => {
        const isMeant = name === null || files().includes(resolve(folder, name));
        if (isWhole && !isMeant) return;
        clearTimeout(timer);
        timer = setTimeout(() => {
          acting = acting.then(async () => {
            isWhole = await act();
            follow();
          });
        }, GATHERING);
      }).unref();
    }
  }
  follow();
}
