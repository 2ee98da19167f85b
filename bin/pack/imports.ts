import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What a module imports or exports from, statically or not; strings of other code may look alike. */
const IMPORT = /(?<=\b(?:from|import) ?\(?)"((?:\.{1,2}\/|#|@?\w)[^"\s]*)"/g;

/** The files that some files need, themselves included, and the packages that these import. */
export interface Closure {
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

/** Follows imports, those of types included, from some files of this repository. */
export function closureOf(entries: readonly string[]): Closure {
  const files = new Set(entries);
  const packages = new Set<string>();
  // A set that grows is walked to its end.
  for (const file of files) {
    if (!file.endsWith(".ts")) continue;
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const target = fileOf(specifier, file);
      if (target !== undefined) files.add(target);
      else if (!specifier.startsWith("node:")) packages.add(packageOf(specifier));
    }
  }
  return { files: [...files].toSorted(), packages: [...packages].toSorted() };
}

/** Names built files in a module: those of other folders by their paths, because `#server/` is this repository's own. */
export const withBuiltImports = (code: string, file: string): string =>
  code.replace(IMPORT, (text, specifier: string) => {
    const target = fileOf(specifier, file);
    if (target === undefined) return text;
    const path = relative(dirname(file), builtOf(target));
    return JSON.stringify(path.startsWith(".") ? path : `./${path}`);
  });

/** What a source file is built as. */
export const builtOf = (file: string): string => file.replace(/(?<!\.d)\.ts$/, ".js");

/** The file of this repository behind a specifier; none if that is a package's. */
function fileOf(specifier: string, file: string): string | undefined {
  if (specifier.startsWith("#")) return join("lambdas", specifier.slice(1));
  return specifier.startsWith(".") ? join(dirname(file), specifier) : undefined;
}

const packageOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
