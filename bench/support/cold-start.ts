import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { readStack } from "../../local/template.ts";
import { median } from "./measure.ts";

const ENVIRONMENT = {
  TABLE_NAME: "items",
  LIMITS: "{}",
  AWS_LAMBDA_FUNCTION_NAME: "socket",
  AWS_ENDPOINT_URL_LAMBDA: "http://localhost",
  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: "http://localhost/live",
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "KEY",
  AWS_SECRET_ACCESS_KEY: "secret",
  TOKEN_SECRET_ARN: "arn:aws:secretsmanager:us-east-1:0:secret:x",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  POWERTOOLS_SERVICE_NAME: "socket",
  POWERTOOLS_METRICS_NAMESPACE: "Bench",
};

const CLIENTS = `
  import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
  import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
  import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
  import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
  const table = DynamoDBDocumentClient.from(new DynamoDBClient());
  const others = [new ApiGatewayManagementApiClient(), new SecretsManagerClient()];
  export const handler = async () => [table, others].length;
`;

/** Modules with one part each of what the socket function loads. */
const PARTS = {
  "a handler that makes the four AWS clients": CLIENTS,
  "the same without Secrets Manager": CLIENTS.replace(/import \{ SecretsManager.*\n/, "").replace(
    ", new SecretsManagerClient()",
    "",
  ),
  "zod and nothing else": 'import * as z from "zod/mini"; export const handler = z.object({});',
  "zod and all events with their schemas":
    'import { domains } from "./lambdas/mudbase/domains.ts"; export const handler = domains;',
};

/** The module that all others are compared with. */
export const BASELINE = "a handler that makes the four AWS clients";

/** Milliseconds to load each module, the median of `starts` processes. */
export async function measureColdStarts(
  assembly: string,
  starts: number,
): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "cold-"));
  const socket = readStack(assembly).functions.find(({ name }) => name.startsWith("Socket"));
  const empty = join(folder, "empty.mjs");
  writeFileSync(empty, "export const handler = async () => 1;");
  // Inside the checkout, so that it finds the packages that are not bundled.
  const loose = ".local/loose-socket.mjs";
  await bundle({
    ...{ entryPoints: ["lambdas/mudbase/functions/socket.ts"], outfile: loose },
    external: ["@aws-sdk/*", "@smithy/*"],
  });
  const files = new Map([["an empty handler", empty]]);
  for (const [index, [name, contents]] of Object.entries(PARTS).entries()) {
    const outfile = join(folder, `part-${index}.mjs`);
    await bundle({ stdin: { contents, resolveDir: process.cwd() }, outfile });
    files.set(name, outfile);
  }
  files.set("the socket function", join(socket?.code ?? "", "index.mjs"));
  files.set("the socket function with the SDK left out of its bundle", loose);

  const loads = new Map([...files.keys()].map((name) => [name, [] as number[]]));
  for (let start = 0; start < starts; start += 1)
    for (const [name, file] of files) loads.get(name)?.push(load(file));
  rmSync(folder, { recursive: true });
  return new Map([...loads].map(([name, times]) => [name, median(times)]));
}

const bundle = (options: BuildOptions) =>
  build({
    ...{ bundle: true, minify: true, platform: "node", format: "esm", target: "node20" },
    mainFields: ["module", "main"],
    banner: {
      js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
    },
    ...options,
  });

/** Milliseconds from the start of loading a module to its end, in a new process. */
const load = (file: string): number =>
  Number(
    execFileSync(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const began = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - began);`,
      ],
      { env: ENVIRONMENT, encoding: "utf8" },
    ),
  );
