import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

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
