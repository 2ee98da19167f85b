import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { type AssetCode, Code } from "aws-cdk-lib/aws-lambda";
import { type BuildOptions, build, buildSync, type Metafile, type PluginBuild } from "esbuild";
import { serverFile } from "./server-file.ts";

/** The code of an entry file that is written nowhere. */
export interface EntryCode {
  /** What source maps call it. */
  readonly name: string;
  readonly code: string;
  /** Where its packages are looked for. */
  readonly folder: string;
}

export interface BundleProps {
  /** The TypeScript file whose `handler` is called: its path, from where the CDK runs, or its code. */
  readonly entry: string | EntryCode;
  /** Packages that lie beside the bundle, because the function loads them late or never. Default: none. */
  readonly lateModules?: readonly string[] | undefined;
  /** Puts more files into the bundle's folder. Default: none. */
  readonly besideBundle?: ((folder: string) => void) | undefined;
}

/** Sources of credentials that a function never uses: its own come from its environment. */
const UNUSED_CREDENTIALS = [
  "@aws-sdk/credential-provider-http",
  "@aws-sdk/credential-provider-ini",
  "@aws-sdk/credential-provider-process",
  "@aws-sdk/credential-provider-sso",
  "@aws-sdk/credential-provider-web-identity",
  "@smithy/credential-provider-imds",
];

/** What undici's pool loads for requests that a function never makes, or on processors without SIMD. */
const UNUSED_OF_UNDICI = ["../llhttp/llhttp-wasm.js", "../web/fetch/body.js"];

/**
 * The code of a function, bundled by this package's own esbuild in the CDK's process. The CDK's
 * `NodejsFunction` would look for an esbuild, a lock file and the modules from where it runs; this works
 * wherever the package is installed, and its bundles are the same assets in every checkout.
 */
export const bundled = (props: BundleProps): AssetCode =>
  Code.fromAsset(folderOf(props.entry), {
    // The entry's folder is only a part of what it is made of.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry("unused"),
      // By this the CDK tells the functions of one folder apart.
      command: [JSON.stringify([props.entry, props.lateModules])],
      local: {
        tryBundle(folder) {
          bundleInto(folder, props);
          return true;
        },
      },
    },
  });

/**
 * Writes a bundle into a folder, as `index.mjs` and a file for each `import()` in it; esbuild has printed what is
 * wrong if it throws.
 */
export function bundleInto(
  folder: string,
  { entry, lateModules = [], besideBundle }: BundleProps,
): void {
  const { outputFiles, metafile } = buildSync({ ...optionsFor(lateModules), ...inputOf(entry) });
  const outputs = outputsIn(metafile);
  for (const { path, contents } of outputFiles)
    if (Object.hasOwn(outputs, basename(path, ".map")))
      writeFileSync(join(folder, basename(path)), contents);
  writeFileSync(join(folder, NOTES), JSON.stringify({ outputs }));
  for (const name of lateModules) copyModule(name, entry, folder);
  besideBundle?.(folder);
}

/**
 * Writes bundles for this machine into folders named as the entries, and returns the files that they were made
 * of. What several have in common is bundled once, so it takes a fifth of the time.
 */
export async function bundleTogether(
  folder: string,
  entries: Readonly<Record<string, EntryCode>>,
  lateModules: readonly string[] = [],
): Promise<readonly string[]> {
  const { outputFiles, metafile } = await build({
    ...optionsFor(lateModules),
    entryPoints: Object.keys(entries).map((name) => ({ in: name, out: `${name}/index` })),
    entryNames: "[dir]/[name]",
    outdir: resolve(folder),
    plugins: [{ name: "entries", setup: (build) => serveEntries(build, entries) }],
  });
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
  for (const [name, entry] of Object.entries(entries))
    for (const module of lateModules) copyModule(module, entry, join(folder, name));
  return Object.keys(metafile.inputs);
}

function serveEntries(build: PluginBuild, entries: Readonly<Record<string, EntryCode>>): void {
  build.onResolve({ filter: /./ }, ({ kind, path }) =>
    kind === "entry-point" ? { path, namespace: "entry" } : undefined,
  );
  build.onLoad({ filter: /./, namespace: "entry" }, ({ path }) => {
    const { code: contents = "", folder: resolveDir = "" } = entries[path] ?? {};
    return { contents, resolveDir, loader: "ts" };
  });
}

/** The files that a bundle in this folder was made of, by their paths from where the CDK runs. */
export function filesOf(folder: string): readonly string[] {
  const { outputs } = JSON.parse(readFileSync(join(folder, NOTES), "utf8")) as Metafile;
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

/** Those of them that are loaded as it starts; an `import()` loads the others. */
export function filesAtStart(folder: string): readonly string[] {
  const { outputs } = JSON.parse(readFileSync(join(folder, NOTES), "utf8")) as Metafile;
  const files = reached(outputs, "index.mjs", ({ kind }) => kind === "import-statement");
  return files.flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
}

type Import = Metafile["outputs"][string]["imports"][number];

/** A file of a build, and those that it imports in one of these ways, themselves or by others. */
function reached(
  outputs: Metafile["outputs"],
  first: string,
  isFollowed: (one: Import) => boolean,
): readonly string[] {
  const files = new Set([first]);
  for (const file of files)
    for (const one of outputs[file]?.imports ?? []) if (isFollowed(one)) files.add(one.path);
  return [...files];
}

const NOTES = "index.meta.json";

const optionsFor = (lateModules: readonly string[]) =>
  ({
    // Nothing is written there, but source maps name their sources from there.
    outdir: resolve("cdk.out/bundle"),
    entryNames: "index",
    outExtension: { ".js": ".mjs" },
    write: false,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    // Bundles run locally too, on the oldest Node that is supported there.
    target: "node20",
    mainFields: ["module", "main"],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
    // What would be kept are notes for test coverage; licences lie beside the packages.
    legalComments: "none",
    // undici is CommonJS; an ES module has no `require` for Node's own modules.
    banner: {
      js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
    },
    external: [...UNUSED_CREDENTIALS, ...UNUSED_OF_UNDICI, ...lateModules],
    alias: {
      "@aws-sdk/endpoint-cache": serverFile("store/endpoint-cache"),
      // The parser's other build logs through the `debug` package.
      "socket.io-parser": join(moduleOf("socket.io-parser", import.meta.url), "build/esm/index.js"),
    },
  }) as const satisfies BuildOptions;

const inputOf = (entry: string | EntryCode): Pick<BuildOptions, "entryPoints" | "stdin"> =>
  typeof entry === "string"
    ? { entryPoints: [resolve(entry)] }
    : {
        stdin: {
          ...{ contents: entry.code, sourcefile: entry.name, resolveDir: entry.folder },
          loader: "ts",
        },
      };

const folderOf = (entry: string | EntryCode): string =>
  typeof entry === "string" ? dirname(resolve(entry)) : entry.folder;

/**
 * The files that a bundle may load, with what each is made of and imports; the rest of the metafile is the same for
 * all. esbuild also makes files of an `import()` in code that it has left out.
 */
function outputsIn({ outputs }: Metafile): Metafile["outputs"] {
  const isOwn = ({ external }: Import) => external !== true;
  const entry = Object.keys(outputs).find((file) => basename(file) === "index.mjs") ?? "";
  const notes = reached(outputs, entry, isOwn).map((file) => {
    const { bytes = 0, exports = [], inputs = {}, imports = [] } = outputs[file] ?? {};
    const own = imports.filter(isOwn).map(({ path, kind }) => ({ path: basename(path), kind }));
    return [basename(file), { bytes, exports, inputs, imports: own }] as const;
  });
  return Object.fromEntries(notes);
}

/** The folder of a package that this file would import. */
function moduleOf(name: string, from: string): string {
  const folders = createRequire(from).resolve.paths(name) ?? [];
  const found = folders.map((folder) => join(folder, name)).find((folder) => existsSync(folder));
  if (found === undefined) throw new Error(`The package ${name} is not installed for ${from}.`);
  return found;
}

/** Copies what a package runs of, and nothing it only documents or types. */
function copyModule(name: string, entry: string | EntryCode, folder: string): void {
  cpSync(moduleOf(name, join(folderOf(entry), "index.js")), join(folder, "node_modules", name), {
    recursive: true,
    dereference: true,
    filter: (file) => !/\.(md|d\.ts|d\.mts|map)$|\/(docs|types)$/.test(file),
  });
}
