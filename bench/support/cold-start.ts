import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { bundleInto, type EntryCode } from "../../lib/bundle.ts";
import { entriesOf } from "../../lib/entries.ts";
import { readStack } from "../../local/template.ts";
import { median } from "./measure.ts";

export const ENVIRONMENT = {
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

  const loads = loadAll(files, starts);
  rmSync(folder, { recursive: true });
  return new Map([...loads].map(([name, costs]) => [name, median(costs.map(({ time }) => time))]));
}

const SAME_CLIENTS = `
  import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
  import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
  import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
  const table = DynamoDBDocumentClient.from(new DynamoDBClient());
  const gateway = new ApiGatewayManagementApiClient();
  export const handler = async () => [table, gateway].length;
`;

/** Code that is loaded besides these clients, and is a part of what the example's function loads. */
const BESIDES = {
  "and what posts, without its pool (undici), which the first frame loads":
    'export { createGateway } from "./lambdas/server/gateway/connections.ts";',
  "and Powertools' logger and metrics, which the first line loads":
    'export { Logger } from "@aws-lambda-powertools/logger"; export { Metrics } from "@aws-lambda-powertools/metrics";',
  "and zod, which an application with schemas loads":
    'import * as z from "zod/mini"; export const schema = z.object({ count: z.int() });',
  "and Socket.IO's parser": 'export { readPacket } from "./lambdas/server/socket/packets.ts";',
};

/** The module that all others of the example are compared with. */
export const SAME_CLIENTS_ONLY = "a handler that makes the same AWS clients";

/** Milliseconds of processor time to load the chat example's socket function, and its parts; medians. */
export function measureExample(starts: number): ReadonlyMap<string, number> {
  const folder = mkdtempSync(join(tmpdir(), "cold-"));
  const entryOf = (code: string): EntryCode => ({ name: "part.ts", folder: process.cwd(), code });
  const entries: Readonly<Record<string, EntryCode>> = {
    "an empty handler": entryOf("export const handler = async () => 1;"),
    [SAME_CLIENTS_ONLY]: entryOf(SAME_CLIENTS),
    ...Object.fromEntries(
      Object.entries(BESIDES).map(([name, code]) => [name, entryOf(SAME_CLIENTS + code)]),
    ),
    "the chat example's socket function": entriesOf("examples/chat/app.ts").socket,
  };
  const files = new Map(
    Object.entries(entries).map(([name, entry], index) => {
      const into = join(folder, String(index));
      mkdirSync(into);
      bundleInto(into, { entry });
      return [name, join(into, "index.mjs")];
    }),
  );
  const loads = loadAll(files, starts);
  rmSync(folder, { recursive: true });
  return new Map(
    [...loads].map(([name, costs]) => [name, median(costs.map(({ processor }) => processor))]),
  );
}

/** What loading a module took, in milliseconds; the time includes that for which others had the processor. */
interface Cost {
  readonly time: number;
  readonly processor: number;
}

/** Loads each file so many times, in turns. */
function loadAll(files: ReadonlyMap<string, string>, starts: number) {
  const loads = new Map([...files.keys()].map((name) => [name, [] as Cost[]]));
  for (let start = 0; start < starts; start += 1)
    for (const [name, file] of files) loads.get(name)?.push(load(file));
  return loads;
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

/** Loads a module in a new process. */
const load = (file: string): Cost =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const before = process.cpuUsage();
const began = performance.now();
await import(${JSON.stringify(pathToFileURL(file).href)});
const time = performance.now() - began;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ time, processor: (user + system) / 1000 }));`,
      ],
      { env: ENVIRONMENT, encoding: "utf8" },
    ),
  );
