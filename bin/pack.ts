import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { transformSync } from "esbuild";
import { writeDeclarations } from "./pack/declarations.ts";
import { builtOf, type Closure, closureOf, withBuiltImports } from "./pack/imports.ts";
import { manifestOf } from "./pack/manifest.ts";
import { PACKAGES, type Package } from "./pack/packages.ts";

const HELP = `Builds the packages of this repository: tarballs in dist/, and what is in them in dist/<name>/.

  npm run pack

  --help   show this help
`;

const DIST = "dist";
const DECLARATIONS = join(DIST, "declarations");

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  if (values.help) console.log(HELP);
  else packAll();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function packAll(): void {
  rmSync(DIST, { recursive: true, force: true });
  const closures = PACKAGES.map((one) => [one, closureOf(entriesOf(one))] as const);
  const files = closures.flatMap(([, { files }]) => files).filter((file) => file.endsWith(".ts"));
  writeDeclarations(files, DECLARATIONS);
  for (const [one, closure] of closures) console.log(pack(one, closure));
  rmSync(DECLARATIONS, { recursive: true });
}

function entriesOf({ exports, bin = {}, alsoNeeded = [] }: Package): readonly string[] {
  return [...Object.values(exports), ...Object.values(bin), ...alsoNeeded];
}

/** Builds a package file by file, so that its folders are those of this repository; returns the tarball's path. */
function pack(one: Package, { files, packages }: Closure): string {
  const folder = join(DIST, one.name);
  for (const file of files) build(file, folder);
  for (const file of ["LICENSE", "CHANGELOG.md"]) copyFileSync(file, join(folder, file));
  copyFileSync(join("bin/pack", `${one.name}.md`), join(folder, "README.md"));
  const manifest = manifestOf(one, packages);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const packed = ["pack", "--silent", "--pack-destination", ".."];
  const output = execFileSync("npm", packed, { cwd: folder, encoding: "utf8" });
  return join(DIST, output.trim());
}

/** A file's JavaScript, with its source in the source map, and its declarations. */
function build(file: string, folder: string): void {
  const target = join(folder, builtOf(file));
  mkdirSync(dirname(target), { recursive: true });
  if (file.endsWith(".ts")) compile(file, folder, target);
  else copyFileSync(file, target);
}

function compile(file: string, folder: string, target: string): void {
  const { code, map } = transformSync(readFileSync(file, "utf8"), {
    ...{ loader: "ts", format: "esm", target: "node20", sourcemap: "external" },
    sourcefile: file,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  const mapped = `${withBuiltImports(code, file)}//# sourceMappingURL=${basename(target)}.map\n`;
  writeFileSync(target, mapped);
  writeFileSync(`${target}.map`, map);
  const declarations = file.replace(/\.ts$/, ".d.ts");
  copyFileSync(join(DECLARATIONS, declarations), join(folder, declarations));
}
