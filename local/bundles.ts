import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { readStack } from "./template.ts";

/** What a function's bundle is made of; sizes in bytes. */
export interface Bundle {
  readonly functionName: string;
  readonly bytes: number;
  /** The AWS SDK and what comes with it; AWS's Powertools; the pool that frames are posted through; all else. */
  readonly families: Readonly<Record<Family | "rest", number>>;
  /** Bytes of each package and of our own layers, the largest first. */
  readonly parts: ReadonlyMap<string, number>;
  /** Every source file in it. */
  readonly files: readonly string[];
  /** Where esbuild's notes of it lie. */
  readonly notes: string;
}

const Metafile = z.object({
  outputs: z.record(
    z.string(),
    z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })) }),
  ),
});

/** Reads the bundles that `cdk synth` made, with what esbuild noted of them. */
export const readBundles = (assembly: string): readonly Bundle[] =>
  readStack(assembly).functions.map(({ name, code }) => {
    const notes = join(code, "index.meta.json");
    const { outputs } = Metafile.parse(JSON.parse(readFileSync(notes, "utf8")));
    const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
    const parts = new Map<string, number>();
    for (const [file, { bytesInOutput }] of inputs) {
      const part = partOf(file);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
    const sorted = [...parts].toSorted(([, a], [, b]) => b - a);
    const sizeOf = (isCounted: (part: string) => boolean) =>
      sorted.filter(([part]) => isCounted(part)).reduce((sum, [, size]) => sum + size, 0);
    const bytes = statSync(join(code, "index.mjs")).size;
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
      notes,
    };
  });

const FAMILIES = {
  // mnemonist and obliterator are the endpoint cache of the DynamoDB client.
  sdk: /^(@aws-sdk|@smithy|@aws|@aws-crypto|mnemonist|obliterator|tslib)(\/|$)/,
  powertools: /^@aws-lambda-powertools\//,
  undici: /^undici$/,
};
type Family = keyof typeof FAMILIES;

/** The package a file belongs to, or our own layer, e.g. `lambdas/store`. */
function partOf(file: string): string {
  const [, inPackage] = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules\/)/.exec(file) ?? [];
  return inPackage ?? file.split("/").slice(0, 2).join("/");
}
