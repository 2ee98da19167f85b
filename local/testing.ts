import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerOptions } from "../lib/server-props.ts";
import { synthesiseApplication } from "../lib/synthesise.ts";
import { type LocalStack, type StackOptions, startStack as startAssembly } from "./stack.ts";

export type { FaultInjector, FaultRates } from "./fault-injection.ts";
export type { Functions, InvocationResult } from "./functions.ts";
export type { GatewayOptions, LocalGateway } from "./gateway.ts";
export type { ServiceCall } from "./services.ts";
export type { DeadLetter } from "./stack.ts";
export type { LocalStack, ServerOptions };

/** How an application runs in a test; only `app` is required. */
export interface TestStackOptions extends Partial<Omit<StackOptions, "assembly" | "secret">> {
  /** Path of the file with `export const app = defineApp({ … })`; a relative one is from the working directory. */
  readonly app: string;
  /** What `SocketIoServer` is deployed with besides, e.g. `{ limits: { fanOutPage: 2 } }`. Default: all its defaults. */
  readonly props?: ServerOptions;
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
  app,
  props,
  environment,
  ...options
}: TestStackOptions): Promise<LocalStack> {
  const assembly = mkdtempSync(join(tmpdir(), "serverless-socket-io-"));
  const remove = () => rmSync(assembly, { recursive: true, force: true });
  try {
    synthesiseApplication(assembly, { ...props, app });
    const stack = await startAssembly({
      port: 0,
      secret: "",
      log: (functionName, text) => process.stderr.write(`[${functionName}] ${text}`),
      ...options,
      environment: { ...QUIET, ...environment },
      assembly,
    });
    return {
      ...stack,
      async stop() {
        await stack.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
