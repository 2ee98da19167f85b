import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** The median of some numbers. */
export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Microseconds of processor time of some work in this process. */
export async function cpuOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Bytes of this process's heap in use after garbage collection. */
export function heapInUse(): number {
  setFlagsFromString("--expose_gc");
  const collect = runInNewContext("gc") as () => void;
  for (let round = 0; round < 3; round += 1) collect();
  return process.memoryUsage().heapUsed;
}

/** The next message of another process; throws if the process ends without one. */
export async function messageOf(child: ChildProcess): Promise<readonly unknown[]> {
  const ended = new AbortController();
  const end = () => ended.abort();
  child.once("exit", end);
  try {
    return await once(child, "message", { signal: ended.signal });
  } catch (cause) {
    throw new Error(
      `A process of the benchmark ended before it answered: ${child.spawnargs.join(" ")}`,
      { cause },
    );
  } finally {
    child.off("exit", end);
  }
}

/** A local AWS in a separate process: its URL, and the name of its table. */
export interface Aws {
  readonly url: string;
  readonly tableName: string;
  stop(): void;
}

/** Starts the database and the management endpoint of a synthesised stack. */
export async function startAws(assembly: string): Promise<Aws> {
  const child = fork(new URL("./aws.ts", import.meta.url), [assembly], {
    execArgv: ["--import", "tsx"],
  });
  const [started] = (await messageOf(child)) as [Pick<Aws, "url" | "tableName">];
  return { ...started, stop: () => void child.kill() };
}
