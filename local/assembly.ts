import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The folder of an assembly: the one that the environment variable `ASSEMBLY` names, made by whoever
 * runs several commands after one another, or else this one, synthesised now.
 */
export async function assemblyIn(folder: string): Promise<string> {
  const { ASSEMBLY } = process.env;
  if (ASSEMBLY !== undefined) return ASSEMBLY;
  console.log("Synthesising the stack …");
  await synthesise(folder);
  return folder;
}

/** Writes the CDK app's assembly with these settings into a folder; throws what the CDK said where it cannot. */
export async function synthesise(
  assembly: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cdk = join(
    dirname(createRequire(import.meta.url).resolve("aws-cdk/package.json")),
    "bin/cdk",
  );
  const context = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(
    process.execPath,
    [cdk, "synth", "--quiet", "--output", assembly, ...context],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`cdk synth failed: ${errorIn(said)}`);
}

/** What npm, the CDK and esbuild say of their progress, and the CDK of an app that has failed. */
const NOTES =
  /^npm (warn|notice)|^Bundling asset |^ +\S+\.(mjs|map|json) +[\d.]+[kmg]?b|^⚡ Done in |^\[Warning at |^ +Acknowledge with |Subprocess exited with error \d+$/;

/** The error among what the CDK has said; all of it where none is left. */
export function errorIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const error = lines
    .filter((line) => !NOTES.test(line))
    // After that comes the command of the bundler.
    .map((line) => line.replace(/(Failed to bundle asset [^,]+), .*/, "$1"));
  return (error.length > 0 ? error : lines).join("\n");
}
