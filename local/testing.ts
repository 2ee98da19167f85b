import { unknownIn } from "../lib/check-props.ts";
import type { ServerOptions } from "../lib/server-props.ts";
import { startApplication } from "./application.ts";
import type { FaultRates } from "./fault-injection.ts";
import type { InvocationResult } from "./functions.ts";
import type { ServiceCall } from "./services.ts";
import type { DeadLetter, RunOptions } from "./stack.ts";

export type { GatewayOptions } from "./gateway.ts";
export type { DeadLetter, FaultRates, InvocationResult, RunOptions, ServerOptions, ServiceCall };

/** How an application runs in a test; only `app` is required. */
export interface TestStackOptions extends RunOptions {
  /** Path of the file with `export const app = defineApp({ … })`; a relative one is from the working directory. */
  readonly app: string;
  /** What `SocketIoServer` is deployed with besides, e.g. `{ limits: { fanOutPage: 2 } }`. Default: all its defaults. */
  readonly props?: ServerOptions | undefined;
}

/** An application that runs on this machine, with everything that it would be deployed with. */
export interface LocalStack {
  /** Where clients connect, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The path of the API itself, e.g. `/live`, for clients without the edge: `{ path, addTrailingSlash: false }`. */
  readonly stagePath: string;
  readonly gateway: {
    /** The ids of the connections that are open. */
    connectionIds(): readonly string[];
    /** Cuts a connection, and no function hears of it. */
    drop(connectionId: string): void;
  };
  readonly functions: {
    /** The full name of the function of a construct, e.g. `ServerPublish`; throws if there is none. */
    named(construct: string): string;
    /** Invokes a function and waits for its result, e.g. to publish. */
    invoke(name: string, event: object): Promise<InvocationResult>;
  };
  readonly database: {
    /** Everything stored. */
    items(): Promise<Record<string, unknown>[]>;
  };
  /** The content of the dead-letter queues. */
  readonly deadLetters: readonly DeadLetter[];
  readonly faults: {
    /** Sets the shares of AWS calls that fail from now on. */
    setRates(rates: FaultRates): void;
  };
  /** The AWS calls since the last call of this method. */
  takeCalls(): readonly ServiceCall[];
  /** From now on connections are cut after this many milliseconds on average, those that are open, too. */
  cutEvery(mean: number | undefined): void;
  /**
   * Lets time pass for functions, schedules and what expires, minute by minute: those who have lost their
   * connection are given up, pings are answered. Clients' own timers go on as they do.
   */
  advance(milliseconds: number): Promise<void>;
  /** Resolves once nothing is pending: no frame is on its way to a function, no invocation runs or is queued. */
  idle(): Promise<void>;
  /** Stops everything. */
  stop(): Promise<void>;
}

const KNOWN: Readonly<Record<keyof TestStackOptions, true>> = {
  ...{ app: true, props: true, host: true, port: true, secrets: true, gateway: true, data: true },
  ...{ environment: true, concurrency: true, httpTimeout: true, schedules: true, log: true },
  ...{ scheduleJitter: true, repeatsAsync: true, faultRates: true, seed: true },
};

/** Throws one sentence that names what is missing, or means nothing: a limit, for example, is one of the props. */
function checkOptions(options: TestStackOptions): void {
  const faults = unknownIn(options, Object.keys(KNOWN));
  if (typeof options.app !== "string") faults.push("app must be the path of a file");
  if (faults.length > 0) throw new Error(`startStack: ${faults.join("; ")}.`);
}

/** Metrics are noise in a test, and so is what went well. */
const QUIET = { POWERTOOLS_METRICS_DISABLED: "true", POWERTOOLS_LOG_LEVEL: "ERROR" };

/**
 * Runs an application with everything that it would be deployed with, on this machine: its API, its edge,
 * its functions in worker threads, and its table. Nothing of AWS is needed. Takes seconds, because the
 * functions are bundled: one stack for all tests of a file. Throws one sentence if the application cannot
 * be bundled or its props are wrong.
 *
 *     const stack = await startStack({ app: "realtime/app.ts" });
 *     const socket = io(stack.url);
 *     // …
 *     await stack.stop();
 *
 * Errors of functions are printed; `log` takes them instead. By default the port is any free one.
 */
export async function startStack({
  environment,
  ...options
}: TestStackOptions): Promise<LocalStack> {
  checkOptions(options);
  const { stack } = await startApplication({
    port: 0,
    log: (functionName, text) => process.stderr.write(`[${functionName}] ${text}`),
    ...options,
    environment: { ...QUIET, ...environment },
  });
  return stack;
}
