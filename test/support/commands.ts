import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The scripts of package.json. */
export const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** How a command has ended, and what it has printed. */
export interface Ended {
  readonly code: unknown;
  readonly out: string;
  readonly err: string;
}

/** Runs a script of package.json as npm would. */
export const run = (script: string, ...args: readonly string[]): Promise<Ended> =>
  runMeeting(/(?!)/, () => undefined, script, ...args);

/** The same, and does something once the command has printed this. */
export async function runMeeting(
  printed: RegExp,
  act: () => unknown,
  script: string,
  ...args: readonly string[]
): Promise<Ended> {
  const [program = "", ...given] = (scripts[script] ?? script).split(" ");
  const child = spawn(`node_modules/.bin/${program}`, [...given, ...args]);
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
