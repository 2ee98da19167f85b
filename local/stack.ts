import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { inspect } from "node:util";
import { createBus } from "./bus.ts";
import { createClock } from "./clock.ts";
import { createCuts } from "./cuts.ts";
import { type Database, startDatabase } from "./database.ts";
import { createEventSource } from "./event-source.ts";
import { createExtensions } from "./extensions.ts";
import {
  createFaultInjector,
  type FaultInjector,
  type FaultRates,
  NO_FAULTS,
} from "./fault-injection.ts";
import { createFront } from "./front.ts";
import { createFunctions, type Functions } from "./functions.ts";
import {
  createLocalGateway,
  DEFAULT_OPTIONS,
  type GatewayOptions,
  type LocalGateway,
} from "./gateway.ts";
import { answerError } from "./http.ts";
import { listen } from "./listening.ts";
import { createPermissions, type Permissions } from "./permissions.ts";
import { randomFrom } from "./random.ts";
import { createSchedules, minutesBetween } from "./schedules.ts";
import { createServices, type ServiceCall } from "./services.ts";
import { type FunctionDefinition, readStack } from "./template.ts";
import { ACCOUNT, REGION } from "./template-values.ts";
import type { LocalStack as TestStack } from "./testing.ts";
import { createMeter, type Usage } from "./usage.ts";
import { createWork } from "./work.ts";

const CONCURRENCY = 4;

/**
 * The same for a function that serves GETs, each of which may wait in an environment of its own. One takes
 * about 20 MB and 80 ms to start, and stays.
 */
const HELD_GETS = 100;

/** Milliseconds. */
const HTTP_TIMEOUT = 30_000;

/** Milliseconds between two deletions of expired items. */
const EXPIRY_INTERVAL = 10_000;

/** How a stack runs on this machine. */
export interface RunOptions {
  /** An address of this machine (default 127.0.0.1). */
  readonly host?: string;
  /** The port; 0 for any free one. */
  readonly port?: number;
  /** The values of other secrets, by their ARNs. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** What the gateway does otherwise than the real one. */
  readonly gateway?: Partial<GatewayOptions>;
  /** Folder to keep the data in (default: in memory). */
  readonly data?: string | undefined;
  /** Environment variables that override those of the template. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Execution environments of a function, if no executions are reserved for it (default 4). */
  readonly concurrency?: number;
  /** Milliseconds that an HTTP API waits for a function (default 30,000, as API Gateway does). */
  readonly httpTimeout?: number;
  /** Whether the template's schedules run (default true); tests invoke the functions themselves. */
  readonly schedules?: boolean;
  /** Whether schedules run up to a minute late, as EventBridge Scheduler may. */
  readonly scheduleJitter?: boolean;
  /** Whether every asynchronous invocation runs twice. */
  readonly repeatsAsync?: boolean;
  /** How many of the functions' AWS calls fail (default: none). */
  readonly faultRates?: FaultRates;
  /** Seed of the random numbers (default: none, each run differs). */
  readonly seed?: number;
  /** Called with what the functions print. */
  readonly log?: (functionName: string, text: string) => void;
}

/** The same, and what is run. */
export interface StackOptions extends RunOptions {
  /** The folder that `cdk synth` wrote. */
  readonly assembly: string;
  readonly port: number;
  /** The secret that signs HS256 tokens. */
  readonly secret: string;
  /** Whether `takeUsage` counts the units of the tables, too, which takes reads of its own (default false). */
  readonly metered?: boolean;
  readonly log: (functionName: string, text: string) => void;
}

/** An event that a function could not process, with the reason of the last attempt. */
export interface DeadLetter {
  readonly functionName: string;
  readonly event: object;
  readonly reason: string;
}

/** The whole stack, running on this machine, as this project's own tests and commands see it. */
export interface LocalStack extends TestStack {
  /** Whether clients may begin with long polling at the edge. */
  readonly polls: boolean;
  readonly database: Database;
  readonly functions: Functions;
  readonly gateway: LocalGateway;
  /** The tables of the template. */
  readonly tableNames: readonly string[];
  /** The buses of the template. */
  readonly busNames: readonly string[];
  /** What the functions may do, and what they have used of it. */
  readonly permissions: Permissions;
  readonly policies: ReadonlyMap<string, readonly object[]>;
  /** Fault injection, whose rates may change while the stack runs. */
  readonly faults: FaultInjector;
  /** What AWS would bill by use since the last call of this method; a function's time is what it took here. */
  takeUsage(): Usage;
  /** Runs the bundles in these folders, by the functions' names, from now on; connections and data stay. */
  reload(folders: ReadonlyMap<string, string>): void;
}

/** Runs the synthesised stack. Throws one sentence if the port is in use or the template is not valid. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const stack = readStack(options.assembly);
  const server = createServer();
  // A frozen function's connections stay open for as long as it is frozen.
  server.keepAliveTimeout = 0;
  const url = await listen(server, { host: options.host ?? "127.0.0.1", port: options.port });

  const meter = createMeter();
  const { count } = meter;
  const database = await startDatabase({
    tables: stack.tables,
    data: options.data,
    count: options.metered === true ? count : undefined,
    onChanges: (table, records) => {
      for (const source of eventSources) if (source.tableName === table) source.take(records);
    },
  });
  const work = createWork();
  const clock = createClock();
  const permissions = createPermissions(stack.policies);
  const deadLetters: DeadLetter[] = [];
  const gets = stack.httpRoutes.filter(({ method }) => method === "GET");
  const holding = new Set(gets.map(({ functionName }) => functionName));
  const extensions = createExtensions(url);
  const functions = createFunctions({
    ...{ work, count, extensions },
    onDeadLetter: (functionName, event, reason) =>
      sendDeadLetter(stack.deadLetterQueues.get(functionName), { functionName, event, reason }),
    repeatsAsync: options.repeatsAsync ?? false,
    definitions: stack.functions,
    ahead: clock.ahead,
    environmentOf: (definition) => ({
      ...localEnvironment(definition, url, stack.api.stage),
      ...options.environment,
    }),
    concurrencyOf: ({ name }) =>
      holding.has(name) ? HELD_GETS : (options.concurrency ?? CONCURRENCY),
    log(functionName, text) {
      count({ logBytes: Buffer.byteLength(text) });
      options.log(functionName, text);
    },
  });

  async function sendDeadLetter(queue: string | undefined, letter: DeadLetter): Promise<void> {
    if (queue === undefined) return;
    // Lambda sends with the role of the function, which must allow it.
    const arn = `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}`;
    const refusal = await permissions.refusal(letter.functionName, "sqs:SendMessage", arn);
    if (refusal === undefined) deadLetters.push(letter);
    else options.log(letter.functionName, `${refusal}\n`);
  }

  const eventSources = stack.eventSources.map((mapping) => ({
    tableName: mapping.tableName,
    take: createEventSource(mapping, {
      ...{ functions, work, permissions, log: options.log },
      onDeadLetter: (event, reason) =>
        sendDeadLetter(mapping.failureQueue, { functionName: mapping.functionName, event, reason }),
    }),
  }));
  const random = randomFrom(options.seed);
  const gatewayOptions = { ...DEFAULT_OPTIONS, ...options.gateway };
  const cuts = createCuts({ ...gatewayOptions, random });
  const gateway = createLocalGateway({
    ...{ stack, functions, work, options: gatewayOptions, cuts, random, now: clock.now, count },
  });

  const faults = createFaultInjector(options.faultRates ?? NO_FAULTS, random);
  let calls: ServiceCall[] = [];
  const tokenSecret = stack.functions[0]?.environment.TOKEN_SECRET_ARN;
  const names = new Map(stack.functions.map(({ name }) => [keyIdOf(name), name]));
  const serveAws = createServices({
    database,
    functions,
    gateway,
    stage: stack.api.stage,
    secretOf: (arn) => options.secrets?.[arn] ?? (arn === tokenSecret ? options.secret : undefined),
    putEvents: createBus(stack.rules, functions, count),
    functionOf: (id) => names.get(id),
    onCall: (call) => void calls.push(call),
    faults,
    permissions,
    apiId: stack.api.apiId,
  });
  const { httpTimeout = HTTP_TIMEOUT } = options;
  const front = createFront({ stack, functions, work, httpTimeout, now: clock.now, count });
  server.on("upgrade", gateway.onUpgrade);
  server.on("request", (request, response) => {
    serve(request, response).catch((error: unknown) => {
      const unexpected = answerError(response, error);
      if (unexpected !== undefined) options.log("local", `${inspect(unexpected)}\n`);
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answered = extensions.answer(request, response) ?? serveAws(request, response);
    if (answered !== undefined) return answered;
    const stopWatching = cuts.watch(request);
    const { status, headers, body } = await front(request).finally(stopWatching);
    response.writeHead(status, headers).end(body);
  }

  const schedules = createSchedules({
    schedules: options.schedules === false ? [] : stack.schedules,
    invoke: functions.invokeAsync,
    jitter: options.scheduleJitter === true ? random : () => 0,
    now: clock.now,
  });
  schedules.start();

  let isStopped = false;

  async function advance(milliseconds: number): Promise<void> {
    if (isStopped) throw new Error("The stack is stopped.");
    const end = clock.now() + milliseconds;
    schedules.stop();
    for (const minute of minutesBetween(clock.now(), end)) {
      clock.moveTo(minute);
      schedules.run(minute);
      await work.idle();
      await gateway.answered();
      await work.idle();
    }
    clock.moveTo(end);
    schedules.start();
    await database.expire(clock.now());
  }
  const expiry = setInterval(() => {
    database.expire(clock.now()).catch((error: unknown) => {
      options.log("local", `${inspect(error)}\n`);
    });
  }, EXPIRY_INTERVAL);

  return {
    url,
    stagePath: `/${stack.api.stage}`,
    polls: stack.edge.origins.has("polling"),
    database,
    functions,
    gateway,
    tableNames: stack.tables.map(({ name }) => name),
    busNames: [...new Set(stack.rules.map(({ busName }) => busName))],
    deadLetters,
    faults,
    permissions,
    policies: stack.policies,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    takeUsage() {
      gateway.countMinutes();
      return meter.take();
    },
    cutEvery(mean) {
      cuts.cutEvery = mean;
      gateway.planCuts();
    },
    reload(folders) {
      functions.reload(
        stack.functions.map((one) => ({ ...one, code: folders.get(one.name) ?? one.code })),
      );
    },
    advance,
    idle: work.idle,
    async stop() {
      isStopped = true;
      clearInterval(expiry);
      schedules.stop();
      gateway.stop();
      await functions.stop();
      await database.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Each function has its own access key id, by which the services know the caller. */
const keyIdOf = (functionName: string): string => `LOCAL${functionName.toUpperCase()}`;

/** The variables that Lambda itself sets, and the endpoints of the local AWS. */
const localEnvironment = ({ name }: FunctionDefinition, url: string, stage: string) => ({
  AWS_REGION: REGION,
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_ACCESS_KEY_ID: keyIdOf(name),
  AWS_SECRET_ACCESS_KEY: "local",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  ALLOWS_LOCALHOST: "true",
  AWS_ENDPOINT_URL_DYNAMODB: url,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
  AWS_ENDPOINT_URL_LAMBDA: url,
  AWS_ENDPOINT_URL_EVENTBRIDGE: url,
  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${url}/${stage}`,
});
