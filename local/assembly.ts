import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The folder of the cloud assembly: that of the environment variable `ASSEMBLY`, which lets several
 * commands share one synthesis, or else `folder`, synthesised now.
 */
export async function assemblyIn(folder: string): Promise<string> {
  const { ASSEMBLY } = process.env;
  if (ASSEMBLY !== undefined) return ASSEMBLY;
  console.log("Synthesising the stack …");
  await synthesise(folder);
  return folder;
}

/**
 * Runs `cdk synth` with these settings into a folder; throws the CDK's error if it fails. Without CloudFormation's
 * rules, which take as long as all the rest: they are for what is deployed.
 */
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
    [cdk, "synth", "--quiet", "--no-validation", "--output", assembly, ...context],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`cdk synth failed: ${errorIn(output)}`);
}

/** Lines of progress by npm, the CDK and esbuild, and the CDK's line about an app that has failed. */
const PROGRESS =
  /^npm (warn|notice)|^Bundling asset |^ +\S+\.(mjs|map|json) +[\d.]+[kmg]?b|^⚡ Done in |^\[Warning at |^ +Acknowledge with |Subprocess exited with error \d+$/;

/** The error in the CDK's output; the whole output if it is nothing but progress. */
export function errorIn(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const error = lines
    .filter((line) => !PROGRESS.test(line))
    // The rest of the line is the bundler's command.
    .map((line) => line.replace(/(Failed to bundle asset [^,]+), .*/, "$1"));
  return (error.length > 0 ? error : lines).join("\n");
}
