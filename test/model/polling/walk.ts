import { type Answer, type Call, execute, type Items } from "../ledger/table.ts";
import type { Checks, Mishaps, Process, Result, Step, View } from "./explore.ts";
import type { Net } from "./net.ts";

/** A step that waits for its turn. */
interface Waiting {
  readonly step: Step;
  readonly isAgain: boolean;
  readonly go: (result: Result) => void;
}

export interface Walked {
  readonly calls: number;
  readonly problem?: string | undefined;
  readonly run: readonly string[];
  readonly net: Net;
}

const PROMISES_DONE = () => new Promise((resolve) => setImmediate(resolve));

/** One random order of the steps, whose calls a database answers as the model does: else that is the problem. */
export async function walk(
  world: { readonly items: Items; readonly net: Net },
  processes: readonly Process[],
  mishaps: Mishaps,
  checks: Checks,
  { random, answer }: { random: () => number; answer: (call: Call) => Promise<Answer> },
): Promise<Walked> {
  const { net } = world;
  let { items } = world;
  const left = { ...mishaps };
  const waiting = new Map<number, Waiting>();
  const over = new Set<number>();
  const late: Call[] = [];
  const run: string[] = [];
  let calls = 0;
  let problem: string | undefined;
  const view: View = {
    get items() {
      return items;
    },
    net,
    isOver: (index) => over.has(index),
  };
  const begun = new Set<number>();
  for (const [index, process] of processes.entries())
    process
      .run(
        (step) => new Promise((go) => waiting.set(index, { step, isAgain: false, go })),
        () => net.clock,
      )
      .then(() => over.add(index), fail);

  for (;;) {
    await PROMISES_DONE();
    problem ??= checks.always(view);
    const open = [...waiting].filter(([, { step }]) => step.when?.(view) !== false);
    if (problem !== undefined || open.length === 0) break;
    const [index, next] = pick(open);
    if (late.length > 0 && random() < 0.2) await make(late.splice(0, 1)[0], "a late attempt");
    else if (processes[index]?.isMortal && begun.has(index) && happens("deaths")) die(index);
    else await step(index, next);
  }
  problem ??= checks.finally(view);
  return { calls, problem, run, net };

  async function step(index: number, { step, isAgain, go }: Waiting): Promise<void> {
    const { label, call } = step;
    const name = `${processes[index]?.name} ${label}`;
    begun.add(index);
    if (call === undefined) {
      waiting.delete(index);
      run.push(name);
      return go(structuredClone(step.net?.(net)));
    }
    const isWrite = call.action !== "get";
    if (isWrite && happens("late")) {
      late.push(call);
      waiting.set(index, { step, isAgain: true, go });
      return void run.push(`${name}: that attempt is late`);
    }
    const result = await make(call, name);
    if (isWrite && happens("lost")) return void waiting.set(index, { step, isAgain: true, go });
    waiting.delete(index);
    go(isAgain ? { ...result, isAgain } : result);
  }

  async function make(call: Call | undefined, name: string): Promise<Answer> {
    if (call === undefined) return { ok: false };
    const expected = execute(items, call);
    const given = await answer(call);
    items = expected.items;
    calls += 1;
    run.push(`${name}${given.ok ? "" : ": refused"}`);
    if (textOf(given) !== textOf(expected.answer))
      problem = `the database answers ${textOf(given)}, the model ${textOf(expected.answer)}`;
    return given;
  }

  function die(index: number): void {
    waiting.delete(index);
    over.add(index);
    run.push(`${processes[index]?.name} dies`);
  }

  function happens(mishap: keyof Mishaps): boolean {
    const does = left[mishap] > 0 && random() < 0.1;
    if (does) left[mishap] -= 1;
    return does;
  }

  function pick<Value>(all: readonly Value[]): Value {
    return all[Math.floor(random() * all.length)] as Value;
  }

  function fail(error: unknown): void {
    problem = `thrown: ${error}`;
  }
}

const textOf = (answer: Answer): string =>
  JSON.stringify(answer, (_, held) =>
    typeof held === "object" && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
