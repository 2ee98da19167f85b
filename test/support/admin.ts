import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesiseApplication } from "../../lib/synthesise.ts";
import { localAdmin } from "../../local/admin.ts";
import { synthesise } from "../../local/assembly.ts";
import { type LocalStack, type StackOptions, startStack } from "../../local/stack.ts";

// As few rounds as bcrypt allows: the tests' own time.
const { username, password, props, secrets } = localAdmin({ readonly: true, rounds: 4 });

/** The name and password by which tests watch. */
export const LOGIN = { username, password };

/** A stack of the contract with an Admin UI that may only be watched, whose tokens are signed with this secret. */
export async function startWatchedContract(secret: string) {
  const folder = mkdtempSync(join(tmpdir(), "watched-contract-"));
  await synthesise(folder, { adminSecretArn: props.secretArn });
  const stack = await startStack({
    ...{ assembly: folder, port: 0, secret, secrets, schedules: false, log: () => undefined },
    environment: { POWERTOOLS_METRICS_DISABLED: "true" },
  });
  return {
    stack,
    async stop(): Promise<void> {
      await stack.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Stacks of an application with an Admin UI: one that may only be watched, as by default, and one where more is allowed. */
export async function startWatched(app: string, options: Partial<StackOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "watched-"));
  synthesiseApplication(folder, { app, admin: { secretArn: props.secretArn } });
  const start = (environment: Readonly<Record<string, string>> = {}) =>
    startStack({
      ...{ assembly: folder, port: 0, secret: "", schedules: false, log: () => undefined },
      ...{ secrets, ...options },
      environment: { ...options.environment, POWERTOOLS_METRICS_DISABLED: "true", ...environment },
    });
  const readonly = await start();
  // What the construct sets with `readonly: false`: bundled twice the tests would take longer.
  const writable = await start({ ADMIN: JSON.stringify({ ...props, readonly: false }) });
  return {
    ...{ readonly, writable },
    async stop(): Promise<void> {
      await Promise.all([readonly, writable].map((stack: LocalStack) => stack.stop()));
      rmSync(folder, { recursive: true });
    },
  };
}
