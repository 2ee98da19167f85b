import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Extensions } from "./extensions.ts";
import { LINES_OF_AN_INVOCATION } from "./lambda-lines.ts";
import type { FunctionDefinition } from "./template.ts";
import type { Meter } from "./usage.ts";
import type { Work } from "./work.ts";

/** The result of an invocation; as with Lambda, a failure is a result and never thrown. */
export type InvocationResult =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly message: string;
      /** What else went wrong than the function: Lambda refused it, or API Gateway no longer waits. */
      readonly fault?: "throttled" | "timed_out";
    };

/** The functions of the stack, run as Lambda runs them. */
export interface Functions {
  readonly names: readonly string[];
  /** The full name of the function of a construct, e.g. `Publish`; throws if there is none. */
  named(construct: string): string;
  /** Heap size in bytes of each environment at the end of its last invocation, by function. */
  heaps(): Readonly<Record<string, readonly number[]>>;
  /** Throttled if as many executions run as are reserved; without a reservation it waits for its turn. */
  invoke(name: string, event: object): Promise<InvocationResult>;
  /** The same, but is not pending work: its event may be waiting for something itself. */
  hold(name: string, event: object): Promise<InvocationResult>;
  /** Queues an invocation with the retries and the maximum age of the template. */
  invokeAsync(name: string, event: object): void;
  /** Runs other code from the next invocation on, in new environments; what runs already ends as it began. */
  reload(definitions: readonly FunctionDefinition[]): void;
  stop(): Promise<void>;
}

export interface FunctionsParts {
  readonly definitions: readonly FunctionDefinition[];
  /** Environment variables besides the function's own: endpoints, region, credentials. */
  readonly environmentOf: (definition: FunctionDefinition) => Readonly<Record<string, string>>;
  /** Maximum number of concurrent execution environments of a function that has no reservation. */
  readonly concurrencyOf: (definition: FunctionDefinition) => number;
  readonly work: Work;
  readonly extensions: Extensions;
  /** Whether every asynchronous invocation runs twice: Lambda's delivery is at least once. */
  readonly repeatsAsync: boolean;
  /** Called with an asynchronous invocation whose retries are exhausted, and its last error. */
  readonly onDeadLetter: (name: string, event: object, reason: string) => Promise<void>;
  readonly log: (functionName: string, text: string) => void;
  readonly count: Meter["count"];
  /** By how many milliseconds their clock is ahead. */
  readonly ahead: Float64Array;
}

/** Creates the functions; as with Lambda, an environment starts with the first invocation. */
export function createFunctions(parts: FunctionsParts): Functions {
  let { definitions } = parts;
  const poolsOf = (given: readonly FunctionDefinition[]) =>
    new Map(given.map((definition) => [definition.name, createPool(definition, parts)]));
  let pools = poolsOf(definitions);
  let retired: readonly Pool[] = [];
  const { track } = parts.work;

  async function invoke(name: string, event: object, until?: number): Promise<InvocationResult> {
    const pool = pools.get(name);
    if (pool === undefined) throw new Error(`The template has no function ${name}.`);
    return pool.run(event, until);
  }

  /** Retries an event until it succeeds, its retries are exhausted, or it exceeds its maximum age. */
  async function invokeWithRetries(name: string, event: object): Promise<void> {
    const config = definitions.find((definition) => definition.name === name)?.async;
    const { tries = 1, maxAge = 0 } = config ?? {};
    const until = Date.now() + maxAge;
    for (let tried = 1; ; tried += 1) {
      const result = await invoke(name, event, until);
      if (result.ok) return;
      if (tried >= tries || Date.now() > until)
        return parts.onDeadLetter(name, event, result.message);
    }
  }

  async function deliver(name: string, event: object): Promise<void> {
    try {
      for (let copies = parts.repeatsAsync ? 2 : 1; copies > 0; copies -= 1)
        await invokeWithRetries(name, event);
    } catch (error) {
      parts.log(name, `${String(error)}\n`);
    }
  }

  return {
    get names() {
      return [...pools.keys()];
    },
    named(construct) {
      const name = [...pools.keys()].find((candidate) => candidate.startsWith(construct));
      if (name === undefined) throw new Error(`The template has no function ${construct}.`);
      return name;
    },
    heaps: () => Object.fromEntries([...pools].map(([name, pool]) => [name, pool.heaps()])),
    invoke: (name, event) => track(invoke(name, event)),
    hold: (name, event) => invoke(name, event),
    invokeAsync: (name, event) => void track(deliver(name, event)),
    reload(given) {
      for (const pool of pools.values()) pool.retire();
      // Only those where something still runs are to be stopped later.
      retired = [...retired, ...pools.values()].filter((pool) => pool.heaps().length > 0);
      definitions = given;
      pools = poolsOf(given);
    },
    async stop() {
      await Promise.all([...retired, ...pools.values()].map((pool) => pool.stop()));
    },
  };
}

interface Pool {
  heaps(): readonly number[];
  /**
   * Runs an event in the first free environment. One that is queued fails if none is free until this time
   * (epoch milliseconds); any other is throttled if as many run as are reserved.
   */
  run(event: object, until?: number): Promise<InvocationResult>;
  /** Stops each environment as soon as it is free. */
  retire(): void;
  stop(): Promise<void>;
}

/** The execution environments of one function, up to the concurrency limit. */
function createPool(definition: FunctionDefinition, parts: FunctionsParts): Pool {
  const all = new Set<Environment>();
  const free: Environment[] = [];
  const waiting: ((environment: Environment) => void)[] = [];
  const { reservedConcurrency } = definition;
  const maximum = reservedConcurrency ?? parts.concurrencyOf(definition);
  let isStopped = false;
  let isRetired = false;

  function acquire(): Environment | Promise<Environment> {
    const environment = free.pop();
    if (environment !== undefined) return environment;
    if (all.size >= maximum) return new Promise((resolve) => waiting.push(resolve));
    return start();
  }

  const isThrottled = (): boolean =>
    reservedConcurrency !== undefined && free.length === 0 && all.size >= reservedConcurrency;

  function start(): Environment {
    const environment = startEnvironment(definition, parts);
    all.add(environment);
    return environment;
  }

  function release(environment: Environment): void {
    const next = waiting.shift();
    if (next !== undefined) next(environment);
    else if (isRetired) end(environment);
    else free.push(environment);
  }

  function end(environment: Environment): void {
    all.delete(environment);
    void environment.stop();
  }

  /** Lambda bills each millisecond that has begun. */
  function countInvocation(milliseconds: number): void {
    const { memory, logsInvocations } = definition;
    parts.count({
      invocations: 1,
      gigabyteSeconds: (Math.ceil(milliseconds) / 1000) * (memory / 1024),
      logBytes: logsInvocations ? Buffer.byteLength(LINES_OF_AN_INVOCATION) : 0,
    });
  }

  return {
    async run(event, until) {
      if (isStopped) return STOPPED;
      if (until === undefined && isThrottled()) return THROTTLED;
      const environment = await acquire();
      if (until !== undefined && Date.now() > until) {
        release(environment);
        return { ok: false, message: "EventAgeExceeded: the event has waited for too long" };
      }
      const began = performance.now();
      const finish = () => {
        countInvocation(performance.now() - began);
        if (environment.isAlive()) release(environment);
        else {
          all.delete(environment);
          if (!isStopped) waiting.shift()?.(start());
        }
      };
      const result = await environment.run(event);
      // What goes on after its answer is billed, and keeps the environment.
      if (environment.isBusy()) void parts.work.track(environment.idle().then(finish));
      else finish();
      return result;
    },
    heaps: () => [...all].map((environment) => environment.heap()),
    retire() {
      isRetired = true;
      for (const environment of free.splice(0)) end(environment);
    },
    async stop() {
      isStopped = true;
      await Promise.all([...all].map((environment) => environment.stop()));
    },
  };
}

const THROTTLED: InvocationResult = {
  ok: false,
  fault: "throttled",
  message: "TooManyRequestsException: Rate Exceeded.",
};

/** An environment that was started for it would outlive the stack, and keep this process from ending. */
const STOPPED: InvocationResult = { ok: false, message: "the functions are stopped" };

interface Environment {
  run(event: object): Promise<InvocationResult>;
  /** Whether its extensions still work on an event that has been answered. */
  isBusy(): boolean;
  /** Resolves once they have done so, or the environment has ended. */
  idle(): Promise<void>;
  isAlive(): boolean;
  heap(): number;
  stop(): Promise<unknown>;
}

type Message =
  | { readonly type: "log"; readonly text: string }
  | { readonly type: "loaded" }
  | { readonly type: "result"; readonly value: unknown; readonly heap: number }
  | { readonly type: "error"; readonly message: string; readonly heap: number };

function startEnvironment(definition: FunctionDefinition, parts: FunctionsParts): Environment {
  const { port1: port, port2 } = new MessageChannel();
  const wake = new SharedArrayBuffer(4);
  const extensions = parts.extensions.open();
  const worker = startWorker(definition, parts, extensions.host, { port: port2, wake });
  const timeout = definition.timeoutSeconds * 1000;
  let isAlive = true;
  let isStopped = false;
  let isBusy = false;
  let heap = 0;
  let settle: (result: InvocationResult) => void = () => undefined;
  let load: () => void = () => undefined;
  const loaded = new Promise<void>((resolve) => {
    load = resolve;
  });

  const die = (message: string) => {
    isAlive = false;
    // Who was answered already is told nothing.
    if (isBusy && !isStopped) parts.log(definition.name, `${message}\n`);
    isBusy = false;
    extensions.ended();
    load();
    settle({ ok: false, message });
  };
  worker.on("error", (error) => die(String(error)));
  worker.on("exit", () => die("the environment ended"));
  port.on("message", (message: Message) => {
    if (message.type === "log") return parts.log(definition.name, message.text);
    if (message.type === "loaded") {
      extensions.started();
      return void extensions.idle().then(() => {
        worker.postMessage("freeze");
        load();
      });
    }
    heap = message.heap;
    if (message.type === "result") settle({ ok: true, value: message.value });
    else settle({ ok: false, message: message.message });
  });
  port.unref();

  const freeze = (timer: NodeJS.Timeout) => {
    clearTimeout(timer);
    isBusy = false;
    if (isAlive && extensions.exist()) worker.postMessage("freeze");
  };
  let finished = Promise.resolve();

  return {
    run: (event) =>
      new Promise((resolve) => {
        const requestId = randomUUID();
        const context = { awsRequestId: requestId, functionName: definition.name };
        const text = textOf({ event, context, timeout });
        if (text === undefined)
          return resolve({ ok: false, message: "RangeError: the event nests too deeply" });
        const timer = setTimeout(() => {
          die(`Task timed out after ${definition.timeoutSeconds} seconds`);
          void worker.terminate();
        }, timeout);
        settle = (result) => {
          settle = () => undefined;
          // Lambda waits for them as long as for the function.
          isBusy = isAlive && !extensions.areIdle();
          if (isBusy) finished = extensions.idle().then(() => freeze(timer));
          else freeze(timer);
          if (!result.ok && !isStopped) parts.log(definition.name, `${result.message}\n`);
          resolve(result);
        };
        void loaded.then(() => {
          if (!isAlive) return;
          extensions.invoke({ requestId, deadlineMs: Date.now() + timeout });
          port.postMessage({ text, isExtended: extensions.exist() });
          Atomics.store(new Int32Array(wake), 0, 1);
          Atomics.notify(new Int32Array(wake), 0);
        });
      }),
    isAlive: () => isAlive,
    isBusy: () => isBusy,
    idle: () => finished,
    heap: () => heap,
    stop() {
      isStopped = true;
      return worker.terminate();
    },
  };
}

/** The event as JSON; `undefined` if it nests too deeply to be serialized. */
function textOf(message: object): string | undefined {
  try {
    return JSON.stringify(message);
  } catch {
    return undefined;
  }
}

function startWorker(
  definition: FunctionDefinition,
  { environmentOf, ahead }: FunctionsParts,
  runtimeApi: string,
  channel: { readonly port: MessagePort; readonly wake: SharedArrayBuffer },
): Worker {
  const [module = "index", exportName = "handler"] = definition.handler.split(".");
  const file = pathToFileURL(join(definition.code, `${module}.mjs`)).href;
  return new Worker(new URL("./lambda-runtime.js", import.meta.url), {
    env: {
      ...{ ...definition.environment, ...environmentOf(definition) },
      AWS_LAMBDA_RUNTIME_API: runtimeApi,
    },
    execArgv: [],
    workerData: { ...channel, file, exportName, ahead },
    transferList: [channel.port],
  });
}
