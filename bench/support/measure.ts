import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** The middle of some numbers. */
export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Microseconds of processor time that this process takes for some work. */
export async function cpuOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** A management endpoint that takes every post. */
export async function startEndpoint(): Promise<{ readonly url: string; stop(): void }> {
  const child: ChildProcess = fork(new URL("./endpoint.ts", import.meta.url), {
    execArgv: ["--import", "tsx"],
  });
  const [port] = (await once(child, "message")) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill() };
}
