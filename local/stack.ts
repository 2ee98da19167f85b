import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { inspect } from "node:util";
import { createBus } from "./bus.ts";
import { type Database, startDatabase } from "./database.ts";
import { asItCame, createEdge } from "./edge.ts";
import { createEventSource } from "./event-source.ts";
import { createFunctions, type Functions } from "./functions.ts";
import { createLocalGateway, type GatewayOptions, type LocalGateway, USUAL } from "./gateway.ts";
import { answerError } from "./http.ts";
import { createHttpApi, type HttpAnswer } from "./http-api.ts";
import { listen } from "./listening.ts";
import { createPermissions, type Permissions } from "./permissions.ts";
import { randomFrom } from "./random.ts";
import { startSchedules } from "./schedules.ts";
import { createServices, type ServiceCall } from "./services.ts";
import { type FunctionDefinition, readStack } from "./template.ts";
import { ACCOUNT, REGION } from "./template-values.ts";
import { createTrouble, NO_TROUBLE, type Trouble, type TroubleShares } from "./trouble.ts";
import { createWork } from "./work.ts";

const FORBIDDEN: HttpAnswer = { status: 403, headers: {}, body: '{"message":"Forbidden"}' };

/** Milliseconds between two looks for expired items. */
const EXPIRY_INTERVAL = 10_000;

export interface StackOptions {
  /** The folder that `cdk synth` wrote. */
  readonly assembly: string;
  /** An address of this machine; 127.0.0.1 without it. */
  readonly host?: string;
  /** The port there; 0 takes any that is free. */
  readonly port: number;
  /** What HS256 tokens are signed with. */
  readonly secret: string;
  /** The values of other secrets, by their ARNs. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly gateway?: Partial<GatewayOptions>;
  /** Folder to keep the data in; in memory without it. */
  readonly data?: string | undefined;
  /** Variables that replace those of the template, for rehearsals. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly concurrency?: number;
  /** Whether the template's schedules run; a test invokes what they would by itself. */
  readonly schedules?: boolean;
  /** Whether schedules are up to a minute late, as EventBridge Scheduler may be. */
  readonly scheduleJitter?: boolean;
  /** Whether every asynchronous invocation happens twice. */
  readonly repeatsAsync?: boolean;
  /** What of the functions' calls goes wrong; nothing without it. */
  readonly trouble?: TroubleShares;
  /** What chance goes by; by itself without it. */
  readonly seed?: number;
  readonly log: (functionName: string, text: string) => void;
}

/** What a function could not process, with the reason of its last try. */
export interface DeadLetter {
  readonly functionName: string;
  readonly event: object;
  readonly reason: string;
}

/** The whole stack, running on this machine. */
export interface LocalStack {
  /** Where clients connect, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The path of the API's stage, e.g. `/live`. */
  readonly stagePath: string;
  readonly database: Database;
  readonly functions: Functions;
  readonly gateway: LocalGateway;
  /** The tables of the template. */
  readonly tableNames: readonly string[];
  /** The buses of the template. */
  readonly busNames: readonly string[];
  /** What lies in the dead-letter queues. */
  readonly deadLetters: readonly DeadLetter[];
  /** What the functions may do, and what of that they have done. */
  readonly permissions: Permissions;
  readonly policies: ReadonlyMap<string, readonly object[]>;
  /** What goes wrong, for as long as it may. */
  readonly trouble: Trouble;
  /** Calls of AWS services since the last time this was asked. */
  takeCalls(): readonly ServiceCall[];
  /** Resolves once nothing goes on: no frame is on its way to a function, no invocation runs or waits. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Plays the synthesised stack. Throws one sentence where the port is taken or the template is broken. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const stack = readStack(options.assembly);
  const server = createServer();
  // A frozen function's connections stay open for as long as it is frozen.
  server.keepAliveTimeout = 0;
  const url = await listen(server, { host: options.host ?? "127.0.0.1", port: options.port });

  const database = await startDatabase({
    tables: stack.tables,
    data: options.data,
    onChanges: (table, records) => {
      for (const source of eventSources) if (source.tableName === table) source.take(records);
    },
  });
  const work = createWork();
  const permissions = createPermissions(stack.policies);
  const deadLetters: DeadLetter[] = [];
  const functions = createFunctions({
    work,
    onDead: (functionName, event, reason) =>
      bury(stack.deadLetterQueues.get(functionName), { functionName, event, reason }),
    repeatsAsync: options.repeatsAsync ?? false,
    definitions: stack.functions,
    environmentOf: (definition) => ({
      ...localEnvironment(definition, url, stack.api.stage),
      ...options.environment,
    }),
    concurrency: options.concurrency ?? 4,
    log: options.log,
  });

  async function bury(queue: string | undefined, letter: DeadLetter): Promise<void> {
    if (queue === undefined) return;
    // Lambda sends in the name of the function, so its role must allow it.
    const arn = `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}`;
    const refusal = await permissions.refusal(letter.functionName, "sqs:SendMessage", arn);
    if (refusal === undefined) deadLetters.push(letter);
    else options.log(letter.functionName, `${refusal}\n`);
  }

  const eventSources = stack.eventSources.map((mapping) => ({
    tableName: mapping.tableName,
    take: createEventSource(mapping, {
      ...{ functions, work, permissions, log: options.log },
      onDead: (event, reason) =>
        bury(mapping.failureQueue, { functionName: mapping.functionName, event, reason }),
    }),
  }));
  const gateway = createLocalGateway({
    stack,
    functions,
    work,
    options: { ...USUAL, ...options.gateway },
  });

  const random = randomFrom(options.seed);
  const trouble = createTrouble(options.trouble ?? NO_TROUBLE, random);
  let calls: ServiceCall[] = [];
  const tokenSecret = stack.functions[0]?.environment.TOKEN_SECRET_ARN;
  const names = new Map(stack.functions.map(({ name }) => [keyIdOf(name), name]));
  const answer = createServices({
    database,
    functions,
    gateway,
    stage: stack.api.stage,
    secretOf: (arn) => options.secrets?.[arn] ?? (arn === tokenSecret ? options.secret : undefined),
    putEvents: createBus(stack.rules, functions),
    functionOf: (id) => names.get(id),
    onCall: (call) => void calls.push(call),
    trouble,
    permissions,
    apiId: stack.api.apiId,
  });
  const edge = createEdge(stack.edgeCode, stack.edgeOrigins);
  server.on("upgrade", gateway.onUpgrade);
  const httpApi = createHttpApi(stack.httpRoutes, functions);
  server.on("request", (request, response) => {
    serve(request, response).catch((error: unknown) => {
      const unexpected = answerError(response, error);
      if (unexpected !== undefined) options.log("local", `${inspect(unexpected)}\n`);
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answering = answer(request, response);
    if (answering !== undefined) return answering;
    const invoked = httpApi(request, asItCame(request)) ?? atEdge(request);
    const { status, headers, body } = await work.track(invoked);
    response.writeHead(status, headers).end(body);
  }

  async function atEdge(request: IncomingMessage): Promise<HttpAnswer> {
    const result = edge(request);
    if ("status" in result) return result;
    // Without a choice it goes to the WebSocket API, which answers no request.
    return (result.apiId && httpApi(request, result)) || FORBIDDEN;
  }

  const stopSchedules = startSchedules({
    schedules: options.schedules === false ? [] : stack.schedules,
    invoke: functions.invokeAsync,
    jitter: options.scheduleJitter === true ? random : () => 0,
  });
  const expiry = setInterval(() => {
    database.expire(Date.now()).catch((error: unknown) => {
      options.log("local", `${inspect(error)}\n`);
    });
  }, EXPIRY_INTERVAL);

  return {
    url,
    stagePath: `/${stack.api.stage}`,
    database,
    functions,
    gateway,
    tableNames: stack.tables.map(({ name }) => name),
    busNames: [...new Set(stack.rules.map(({ busName }) => busName))],
    deadLetters,
    trouble,
    permissions,
    policies: stack.policies,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    idle: work.idle,
    async stop() {
      clearInterval(expiry);
      stopSchedules();
      gateway.stop();
      await functions.stop();
      await database.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Every function has an identity of its own, so that the services know who calls. */
const keyIdOf = (functionName: string): string => `LOCAL${functionName.toUpperCase()}`;

/** What Lambda itself puts into a function's environment, and where its clients find AWS here. */
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
  AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${url}/${stage}`,
});
