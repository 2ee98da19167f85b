import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { vi } from "vitest";

/** The scripts of package.json. */
export const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** The exit code and the output of a command. */
export interface Ended {
  readonly code: unknown;
  readonly out: string;
  readonly err: string;
}

/** Runs a script of package.json as npm would. */
export const run = (script: string, ...args: readonly string[]): Promise<Ended> =>
  runAndReact(/(?!)/, () => undefined, script, ...args);

/** Runs a script in this process, which takes no second: for what it refuses before it does anything. */
export async function runHere(script: string, ...args: readonly string[]): Promise<Ended> {
  const [, file = "", ...fixed] = (scripts[script] ?? script).split(" ");
  const { argv, exitCode } = process;
  const out = vi.spyOn(console, "log").mockReturnValue();
  const err = vi.spyOn(console, "error").mockReturnValue();
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const printed = (spy: typeof out) => spy.mock.calls.flat().join("\n").trim();
  process.argv = [process.execPath, file, ...fixed, ...args];
  // Whoever imports a script runs it.
  vi.resetModules();
  try {
    await import(resolve(file));
    const code = exit.mock.calls[0]?.[0] ?? process.exitCode ?? 0;
    return { code, out: printed(out), err: printed(err) };
  } finally {
    Object.assign(process, { argv, exitCode });
    for (const spy of [out, err, exit]) spy.mockRestore();
  }
}

/** Runs a script, and calls `act` once the script has printed this. */
export async function runAndReact(
  printed: RegExp,
  act: () => unknown,
  script: string,
  ...args: readonly string[]
): Promise<Ended> {
  const [program = "", ...fixed] = (scripts[script] ?? script).split(" ");
  const child = spawn(`node_modules/.bin/${program}`, [...fixed, ...args]);
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => {
    const isNew = !printed.test(out);
    out += text;
    if (isNew && printed.test(out)) act();
  });
  child.stderr.on("data", (text) => (err += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, out: out.trim(), err: err.trim() };
}
