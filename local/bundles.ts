import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { readStack } from "./template.ts";

/** The content of a function's bundle; sizes in bytes. */
export interface Bundle {
  readonly functionName: string;
  readonly bytes: number;
  /** Bytes of the AWS SDK with its dependencies, of Powertools, of undici (the pool for posts), and of the rest. */
  readonly families: Readonly<Record<Family | "rest", number>>;
  /** Bytes of each package and of each folder of this project, largest first. */
  readonly parts: ReadonlyMap<string, number>;
  /** Every source file in it. */
  readonly files: readonly string[];
  /** The path of esbuild's metafile. */
  readonly metafile: string;
}

const Output = z.object({
  bytes: z.number(),
  inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })),
});
const Metafile = z.object({ outputs: z.record(z.string(), Output) });

/** Reads the bundles that `cdk synth` made, with esbuild's metafiles. */
export const readBundles = (assembly: string): readonly Bundle[] =>
  readStack(assembly).functions.map(({ name, code }) => {
    const metafile = join(code, "index.meta.json");
    const { outputs } = Metafile.parse(JSON.parse(readFileSync(metafile, "utf8")));
    const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
    const parts = new Map<string, number>();
    for (const [file, { bytesInOutput }] of inputs) {
      const part = partOf(file);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
    const sorted = [...parts].toSorted(([, a], [, b]) => b - a);
    const sizeOf = (isCounted: (part: string) => boolean) =>
      sorted.filter(([part]) => isCounted(part)).reduce((sum, [, size]) => sum + size, 0);
    const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
    const [sdk, powertools, undici] = [
      sizeOf((part) => FAMILIES.sdk.test(part)),
      sizeOf((part) => FAMILIES.powertools.test(part)),
      sizeOf((part) => FAMILIES.undici.test(part)),
    ];
    return {
      functionName: name,
      bytes,
      families: { sdk, powertools, undici, rest: bytes - sdk - powertools - undici },
      parts: new Map(sorted),
      files: inputs.map(([file]) => file),
      metafile,
    };
  });

const FAMILIES = {
  // mnemonist and obliterator are the endpoint cache of the DynamoDB client.
  sdk: /^(@aws-sdk|@smithy|@aws|@aws-crypto|mnemonist|obliterator|tslib)(\/|$)/,
  powertools: /^@aws-lambda-powertools\//,
  undici: /^undici$/,
};
type Family = keyof typeof FAMILIES;

/** The package a file belongs to, or the folder of this project, e.g. `lambdas/server`. */
function partOf(file: string): string {
  const [, inPackage] = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules\/)/.exec(file) ?? [];
  return inPackage ?? file.split("/").slice(0, 2).join("/");
}
