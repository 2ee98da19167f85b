import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogLevel, NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { NAMESPACE } from "./metrics.ts";

/** How the functions of a deployment are run, all alike. */
export interface Operation {
  /** The dimension that tells the metrics of two deployments apart. */
  readonly service: string;
  /** MiB. */
  readonly memorySize: number;
  /** Days for which logs are kept. */
  readonly logRetention: RetentionDays;
  /** Whether X-Ray traces invocations. */
  readonly tracing: boolean;
}

export interface LambdaFunctionProps {
  /** Path of the TypeScript file whose `handler` is called. */
  readonly entry: string;
  readonly operation: Operation;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Executions reserved for it, which is also its maximum. Default: none are reserved. */
  readonly concurrency?: number | undefined;
  /** Packages that lie beside the bundle, because the function loads them late or never. */
  readonly lateModules?: readonly string[] | undefined;
  /** Commands that put files into a bundle's folder, run where `package.json` is. */
  readonly besideBundle?: (folder: string) => readonly string[];
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

/** A small ESM bundle on ARM64, whose role may do nothing but write its own log. */
export class LambdaFunction extends NodejsFunction {
  constructor(
    scope: Construct,
    id: string,
    {
      entry,
      operation,
      environment,
      concurrency,
      lateModules = [],
      besideBundle,
    }: LambdaFunctionProps,
  ) {
    const logGroup = new LogGroup(scope, `${id}Log`, {
      retention: operation.logRetention,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const { region, urlSuffix } = Stack.of(scope);
    const role = new Role(scope, `${id}Role`, {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    super(scope, id, {
      entry,
      role,
      logGroup,
      memorySize: operation.memorySize,
      ...(concurrency !== undefined && { reservedConcurrentExecutions: concurrency }),
      tracing: operation.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      loggingFormat: LoggingFormat.JSON,
      // Two more lines of Lambda for each frame would cost more than the frame.
      systemLogLevelV2: SystemLogLevel.WARN,
      architecture: Architecture.ARM_64,
      runtime: Runtime.NODEJS_24_X,
      // API Gateway waits 29 s for an integration.
      timeout: Duration.seconds(29),
      awsSdkConnectionReuse: false,
      environment: {
        ...environment,
        AWS_ENDPOINT_URL_LAMBDA: `https://lambda.${region}.${urlSuffix}`,
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: operation.service,
        POWERTOOLS_METRICS_NAMESPACE: NAMESPACE,
      },
      bundling: {
        format: OutputFormat.ESM,
        logLevel: LogLevel.WARNING,
        // undici is CommonJS; an ES module has no `require` for Node's own modules.
        banner:
          'import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
        // Bundles run locally too, on the oldest Node that is supported there.
        target: "node20",
        mainFields: ["module", "main"],
        minify: true,
        sourceMap: true,
        sourcesContent: false,
        metafile: true,
        externalModules: [...UNUSED_CREDENTIALS, ...UNUSED_OF_UNDICI, ...lateModules],
        commandHooks: {
          beforeBundling: () => [],
          beforeInstall: () => [],
          afterBundling: (from, to) => [
            notesCommand(to),
            ...lateModules.map((name) => copyCommand(name, from, to)),
            ...(besideBundle?.(to) ?? []),
          ],
        },
        esbuildArgs: {
          // What would be kept are notes for test coverage; licences lie beside the packages.
          "--legal-comments": "none",
          // The parser's other build logs through the `debug` package.
          "--alias:@aws-sdk/endpoint-cache": "./lambdas/server/store/endpoint-cache.ts",
          "--alias:socket.io-parser": "./node_modules/socket.io-parser/build/esm/index.js",
        },
      },
    });
  }
}

/**
 * Keeps the size of each file in esbuild's metafile, which also names the folder that the bundle was made
 * in: with that, the same code would be another asset, and a change to deploy, in every checkout.
 */
function notesCommand(to: string): string {
  const script = `
    const { readFileSync, writeFileSync } = require("node:fs");
    const notes = "${to}/index.meta.json";
    const { outputs } = JSON.parse(readFileSync(notes, "utf8"));
    const [, { inputs }] = Object.entries(outputs).find(([file]) => file.endsWith("/index.mjs"));
    writeFileSync(notes, JSON.stringify({ outputs: { "index.mjs": { inputs } } }));
  `;
  return nodeCommand(script);
}

/** Copies what a package runs of, and nothing it only documents or types. */
function copyCommand(name: string, from: string, to: string): string {
  const script = `
    const { cpSync } = require("node:fs");
    const isRun = (file) => !/[.](md|d[.]ts|d[.]mts|map)$|[/](docs|types)$/.test(file);
    cpSync("${from}/node_modules/${name}", "${to}/node_modules/${name}", { recursive: true, filter: isRun });
  `;
  return nodeCommand(script);
}

/** The shell's command for a script without single quotes. */
const nodeCommand = (script: string): string => `node -e '${script.replaceAll("\n", " ")}'`;
