import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { readStack } from "../../local/template.ts";
import { median } from "./measure.ts";

const STARTS = 20;

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

/** Milliseconds that loading a function takes, median of twenty processes each. */
export async function measureColdStarts(assembly: string) {
  const folder = mkdtempSync(join(tmpdir(), "cold-"));
  const socket = readStack(assembly).functions.find(({ name }) => name.startsWith("Socket"));
  const [empty, clients] = [join(folder, "empty.mjs"), join(folder, "clients.mjs")];
  writeFileSync(empty, "export const handler = async () => 1;");
  await build({
    stdin: { contents: CLIENTS, resolveDir: process.cwd() },
    ...{ bundle: true, minify: true, platform: "node", format: "esm", target: "node20" },
    mainFields: ["module", "main"],
    outfile: clients,
  });
  // Beside node_modules, where it finds what is not in it.
  const loose = ".local/loose-socket.mjs";
  await build({
    ...{
      entryPoints: ["lambdas/socket.ts"],
      outfile: loose,
      external: ["@aws-sdk/*", "@smithy/*"],
    },
    ...{ bundle: true, minify: true, platform: "node", format: "esm", target: "node20" },
    mainFields: ["module", "main"],
    banner: {
      js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
    },
  });
  const loads: Record<"empty" | "clients" | "socket" | "loose", number[]> = {
    empty: [],
    clients: [],
    socket: [],
    loose: [],
  };
  for (let start = 0; start < STARTS; start += 1) {
    loads.empty.push(load(empty));
    loads.clients.push(load(clients));
    loads.socket.push(load(join(socket?.code ?? "", "index.mjs")));
    loads.loose.push(load(loose));
  }
  rmSync(folder, { recursive: true });
  return {
    empty: median(loads.empty),
    clients: median(loads.clients),
    socket: median(loads.socket),
    loose: median(loads.loose),
  };
}

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
