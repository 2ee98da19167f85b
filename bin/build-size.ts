import { parseArgs } from "node:util";
import { assemblyIn } from "../local/assembly.ts";
import { type Bundle, readBundles } from "../local/bundles.ts";

const HELP = `Synthesises the stack and prints the size and content of each function's bundle.

  npm run build:size

  --help   show this help
`;

/** Parts below this many bytes are printed as one sum. */
const SMALL = 2000;

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  if (values.help) console.log(HELP);
  else {
    const assembly = await assemblyIn(".local/size-cdk.out");
    for (const bundle of readBundles(assembly)) console.log(describe(bundle));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function describe({ functionName, bytes, families, parts }: Bundle): string {
  const large = [...parts].filter(([, size]) => size >= SMALL);
  const rest = [...parts]
    .filter(([, size]) => size < SMALL)
    .reduce((sum, [, size]) => sum + size, 0);
  return [
    `\n${functionName}: ${kilobytes(bytes)}: ${Object.entries(families)
      .map(([family, size]) => `${family} ${kilobytes(size)}`)
      .join(", ")}`,
    ...[...large, ["smaller parts", rest] as const].map(
      ([part, size]) => `  ${kilobytes(size).padStart(9)}  ${part}`,
    ),
  ].join("\n");
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
