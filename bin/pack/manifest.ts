import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { builtOf } from "./imports.ts";
import type { Package } from "./packages.ts";

/** What this repository's own package.json says once for all packages. */
interface Root {
  readonly version: string;
  readonly license: string;
  readonly engines: object;
  readonly repository?: string | object;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Imported where it is installed, and not needed: its licence is the AGPL. */
const NEVER = "@cloud-copilot/iam-simulate";

/** Those whose inner files are imported, which may change with any version. */
const EXACT = ["undici"];

/** Only types come from these: what declarations name, others must be able to install. */
const TYPES: Readonly<Record<string, string>> = { "aws-lambda": "@types/aws-lambda" };

/** The package.json of a package that imports these packages. */
export function manifestOf(one: Package, imported: readonly string[]): object {
  const root = JSON.parse(readFileSync("package.json", "utf8")) as Root;
  const { version, license, engines, repository = repositoryAt(origin()) } = root;
  const versionOf = (name: string): string => {
    const installed = root.dependencies[name] ?? root.devDependencies[name];
    if (installed === undefined)
      throw new Error(`${one.name} imports ${name}, which package.json has not.`);
    return EXACT.includes(name) ? installed : `^${installed}`;
  };
  const needed = imported
    .filter((name) => name !== NEVER && !one.peers.includes(name))
    .map((name) => TYPES[name] ?? name);
  const versions = (names: readonly string[]) =>
    Object.fromEntries(names.toSorted().map((name) => [name, versionOf(name)]));
  const { optionalPeers = [], bin } = one;
  return {
    ...{ name: one.name, version, description: one.description, keywords: one.keywords },
    ...{ license, repository, type: "module", sideEffects: false, engines },
    exports: Object.fromEntries(
      Object.entries(one.exports).map(([name, file]) => [
        name,
        { types: `./${file.replace(/\.ts$/, ".d.ts")}`, default: `./${builtOf(file)}` },
      ]),
    ),
    ...(bin !== undefined && {
      bin: Object.fromEntries(Object.entries(bin).map(([name, file]) => [name, builtOf(file)])),
    }),
    files: ["**/*.js", "**/*.js.map", "**/*.d.ts", "CHANGELOG.md"],
    dependencies: versions(needed),
    peerDependencies: versions(one.peers),
    ...(optionalPeers.length > 0 && {
      peerDependenciesMeta: Object.fromEntries(
        optionalPeers.map((name) => [name, { optional: true }]),
      ),
    }),
  };
}

/** Where this clone came from; empty without git, or where it came from nowhere. */
function origin(): string {
  const { stdout } = spawnSync("git", ["remote", "get-url", "origin"], { encoding: "utf8" });
  return (stdout as string | null)?.trim() ?? "";
}

/** The field of a manifest that says where a package's source is; none for what only this machine can reach. */
export function repositoryAt(remote: string): object | undefined {
  // Git's own short form of ssh, git@host:path, is no URL.
  const address = remote.replace(/^(\w+@[^:/]+):(?!\/\/)/, "ssh://$1/");
  if (!/^(https|ssh):/.test(address) || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  // A clone's address may hold the token of who made it.
  url.password = "";
  if (url.protocol === "https:") url.username = "";
  return { type: "git", url: `git+${url.href}` };
}
