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

/** Starts what was synthesised into a folder, with the secret of the Admin UI. */
const start = (assembly: string, options: Partial<StackOptions>): Promise<LocalStack> =>
  startStack({
    ...{ assembly, port: 0, secret: "", schedules: false, log: () => undefined, secrets },
    ...options,
    environment: { POWERTOOLS_METRICS_DISABLED: "true", ...options.environment },
  });

/** A stack of the contract with an Admin UI that may only be watched, whose tokens are signed with this secret. */
export async function startWatchedContract(secret: string) {
  const folder = mkdtempSync(join(tmpdir(), "watched-contract-"));
  await synthesise(folder, { adminSecretArn: props.secretArn });
  const stack = await start(folder, { secret });
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
  const readonly = await start(folder, options);
  // What the construct sets with `readonly: false`: bundled twice the tests would take longer.
  const ADMIN = JSON.stringify({ ...props, readonly: false });
  const writable = await start(folder, {
    ...options,
    environment: { ...options.environment, ADMIN },
  });
  return {
    ...{ readonly, writable },
    async stop(): Promise<void> {
      await Promise.all([readonly, writable].map((stack: LocalStack) => stack.stop()));
      rmSync(folder, { recursive: true });
    },
  };
}
