import { randomInt } from "node:crypto";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import { monotonicFactory } from "ulid";
import type { LeanApp } from "./app.ts";
import { createGateway, type Gateway } from "./gateway/connections.ts";
import { createInvocation, type Invoke } from "./gateway/invocation.ts";
import { MAX_ANSWER, MAX_CONNECT } from "./gateway/time-outs.ts";
import { Heartbeat, Limits } from "./model/limits.ts";
import type { Logs, Telemetry } from "./model/telemetry.ts";
import { openTable } from "./store/open-table.ts";
import type { Table } from "./store/table.ts";
import { remainingTime, telemetry } from "./telemetry.ts";

/** What an application's `stores` are made of: settings, the table, the clock. */
export interface AppRuntime {
  /**
   * The server's own table, for items of the application under keys of its own, e.g. `pk: "score#ann"`; one
   * with `expiresAt`, in epoch seconds, is deleted some time after that.
   */
  readonly table: Table;
  /** The limits of any application, and those of this one, as they are deployed. */
  readonly limits: Readonly<Record<string, number>>;
  /** A new id; ids sort by time. */
  readonly newId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly telemetry: Logs;
  /** The function's environment, the prop `environment` included. */
  readonly variables: NodeJS.ProcessEnv;
}

/** What a function is given from outside: settings, AWS, the clock. Made once, by its composition root. */
export interface Runtime extends AppRuntime {
  readonly gateway: Gateway;
  /** Invokes this function itself. */
  readonly invokeSelf: Invoke;
  /** Invokes the function that delivers to a part of a large room. */
  readonly invokeWorker: Invoke;
  readonly limits: Limits & Readonly<Record<string, number>>;
  readonly heartbeat: Heartbeat;
  /** Origins of pages that may connect; none means all. */
  readonly allowedOrigins: readonly string[];
  readonly pause: (milliseconds: number) => Promise<unknown>;
  /** Milliseconds until this invocation is ended, whatever it does. */
  readonly remaining: () => number;
  readonly telemetry: Telemetry;
}

/** The variables that a function does not run without. */
const TEXTS = [
  ...["AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  "TABLE_NAME",
] as const;
/** Where Lambda is called, and where connections are posted to. */
const URLS = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] as const;

type Environment = NodeJS.ProcessEnv &
  Readonly<Record<(typeof TEXTS | typeof URLS)[number], string>>;

/** Checks the variables of a function; throws an error that names each wrong one. */
function environmentOf(variables: NodeJS.ProcessEnv): Environment {
  const wrong = [
    ...TEXTS.filter((name) => variables[name] === undefined),
    ...URLS.filter((name) => !URL.canParse(variables[name] ?? "")),
  ];
  if (wrong.length === 0) return variables as Environment;
  throw new Error(`These variables of this function are missing or wrong: ${wrong.join(", ")}.`);
}

/** How the SDK's clients wait for AWS: without these, a call that hangs takes its function's 29 s. */
export const requestHandler = {
  connectionTimeout: MAX_CONNECT,
  requestTimeout: MAX_ANSWER,
  socketTimeout: MAX_ANSWER,
  throwOnRequestTimeout: true,
};

/** Node's own would be one more of its files to load as a function starts. */
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Reads the environment of a function and makes its clients. */
export function createRuntime(
  { limits }: Pick<LeanApp, "limits">,
  variables: NodeJS.ProcessEnv,
): Runtime {
  const env = environmentOf(variables);
  const now = () => Date.now();
  // Retries are the gateway's own: the SDK's would multiply with them.
  const endpoint = env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI;
  const management = new ApiGatewayManagementApiClient({
    ...{ maxAttempts: 1, endpoint, requestHandler },
  });
  const invocationOf = (functionName: string) =>
    createInvocation({
      ...{ signer: signerOf(env), requestHandler: management.config.requestHandler },
      ...{ pause, now, functionName },
      endpoint: env.AWS_ENDPOINT_URL_LAMBDA,
    });
  // The worker itself has no other name for it than its own.
  const { AWS_LAMBDA_FUNCTION_NAME: self, FAN_OUT_FUNCTION: worker = self } = env;
  return {
    table: openTable({ requestHandler }, { tableName: env.TABLE_NAME, pause }),
    gateway: createGateway({ client: management, pause, now, count: telemetry.count }),
    invokeSelf: invocationOf(self),
    invokeWorker: invocationOf(worker),
    limits: (limits ?? Limits).parse(JSON.parse(env.LIMITS ?? "{}")) as Runtime["limits"],
    heartbeat: Heartbeat.parse(JSON.parse(env.HEARTBEAT ?? "{}")),
    allowedOrigins: JSON.parse(env.ALLOWED_ORIGINS ?? "[]") as string[],
    newId: createNewId(),
    ...{ now, pause, remaining: remainingTime, telemetry, variables },
  };
}

/** Letters that an id may have at each place. */
const LETTERS = 32;

/** Makes ids that sort by their time. Random numbers are drawn many at a time: ulid's own asks for a byte sixteen times an id. */
export const createNewId = () => monotonicFactory(() => randomInt(LETTERS) / LETTERS);

const signerOf = (env: Environment) =>
  new SignatureV4({
    service: "lambda",
    region: env.AWS_REGION,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      ...(env.AWS_SESSION_TOKEN !== undefined && { sessionToken: env.AWS_SESSION_TOKEN }),
    },
    sha256: Hash.bind(null, "sha256"),
  });
