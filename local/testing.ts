import { unknownIn } from "../lib/check-props.ts";
import { type ApplicationOptions, startApplication } from "./application.ts";
import type { LocalStack } from "./stack.ts";

export type { ServerOptions } from "../lib/server-props.ts";
export type { FaultInjector, FaultRates } from "./fault-injection.ts";
export type { Functions, InvocationResult } from "./functions.ts";
export type { GatewayOptions, LocalGateway } from "./gateway.ts";
export type { ServiceCall } from "./services.ts";
export type { DeadLetter } from "./stack.ts";
export type { LocalStack };

/** How an application runs in a test; only `app` is required. */
export type TestStackOptions = Pick<ApplicationOptions, "app"> & Partial<ApplicationOptions>;

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
