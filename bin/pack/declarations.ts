import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { withBuiltImports } from "./imports.ts";

/** What packages without types are; no declaration names it. */
const AMBIENT = ["local/dynalite.d.ts", "lambdas/mudbase/http/undici.d.ts"];

/** Has the compiler check some files, and write their declarations into a folder, with what they import; that is named as it is built. */
export function writeDeclarations(files: readonly string[], folder: string): void {
  const tsconfig = join(folder, "tsconfig.json");
  mkdirSync(folder, { recursive: true });
  const content = {
    extends: resolve("tsconfig.json"),
    compilerOptions: {
      ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
      ...{ rootDir: resolve("."), outDir: ".", typeRoots: [resolve("node_modules/@types")] },
    },
    files: [...files, ...AMBIENT].map((file) => resolve(file)),
    include: [],
  };
  writeFileSync(tsconfig, JSON.stringify(content));
  const command = ["node_modules/.bin/tsc", "-p", tsconfig];
  execFileSync(process.execPath, command, { stdio: "inherit" });
  for (const file of readdirSync(folder, { recursive: true }).map(String)) {
    if (!file.endsWith(".d.ts")) continue;
    const types = readFileSync(join(folder, file), "utf8");
    writeFileSync(join(folder, file), withBuiltImports(types, file));
  }
}
