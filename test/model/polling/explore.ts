import { hashOf } from "../hash.ts";
import { type Answer, type Call, execute, type Items } from "../ledger/table.ts";
import type { Net } from "./net.ts";

/** One atomic step of a process, a call of the table or a change of the network; before `when` it waits. */
export interface Step {
  readonly label: string;
  readonly call?: Call;
  readonly net?: (net: Net) => unknown;
  readonly when?: (view: View) => boolean;
}

/** What a step gives: of the table an answer, `isAgain` where the call was made before; of the network anything. */
export type Result = (Answer & { readonly isAgain?: boolean }) | unknown;

/** Makes a step, and gives its result. */
export type Ask = (step: Step) => Promise<Result>;

/** A function at work, or a client: the code itself, whose steps come in any order with those of others. */
export interface Process {
  readonly name: string;
  readonly run: (ask: Ask, now: () => number) => Promise<unknown>;
  /** Whether it may die before any of its steps but the first. */
  readonly isMortal?: boolean;
  /** Whether it has a clock: for others it is always 0. */
  readonly isTimed?: boolean;
}

/** How often at most a function dies, an answer is lost, and a repeated call's first attempt is late. */
export interface Mishaps {
  readonly deaths: number;
  readonly lost: number;
  readonly late: number;
}

interface Progress {
  readonly id: number;
  readonly isNew: boolean;
  readonly step: Step | undefined;
}

export interface View {
  readonly items: Items;
  readonly net: Net;
  readonly isOver: (index: number) => boolean;
}

interface Node {
  readonly items: Items;
  /** As a text. */
  readonly net: string;
  readonly progress: readonly Progress[];
  readonly dead: readonly boolean[];
  /** Of whom the call that comes next was made before. */
  readonly again: readonly boolean[];
  readonly late: readonly Call[];
  readonly left: Mishaps;
  readonly label: string;
  readonly before: Node | undefined;
}

export interface Checks {
  /** What is wrong with a state. */
  readonly always: (view: View) => string | undefined;
  /** What is wrong with a last one. */
  readonly finally: (view: View) => string | undefined;
}

export interface Explored {
  readonly states: number;
  readonly problem?: string;
  readonly run?: readonly string[];
}

/** What a step gave, and when. */
interface Made {
  readonly result: Result;
  readonly at: number;
}

/** How far processes are after results: each comes with many orders of the others. */
function createMemory(processes: readonly Process[]) {
  const known = new Map<string, Progress>();
  const results = new Map<number, readonly Made[]>();

  return { after };

  async function after(
    index: number,
    before: Progress | undefined,
    result?: Made,
  ): Promise<Progress> {
    const key = `${index} ${before?.id} ${JSON.stringify(result)}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const all = [
      ...(results.get(before?.id ?? -1) ?? []),
      ...(result === undefined ? [] : [result]),
    ];
    const process = processes[index];
    const step = process && (await stepAfter(process, all));
    const progress = { id: known.size, isNew: before === undefined, step };
    known.set(key, progress);
    results.set(progress.id, all);
    return progress;
  }
}

/** Runs a process again, up to the step that comes after these results. */
const stepAfter = (process: Process, results: readonly Made[]): Promise<Step | undefined> =>
  new Promise((resolve, reject) => {
    let made = 0;
    let now = 0;
    const ask: Ask = (step) => {
      const next = results[made++];
      if (next !== undefined) {
        now = next.at;
        return Promise.resolve(next.result);
      }
      resolve(step);
      return new Promise(() => undefined);
    };
    process.run(ask, () => now).then(() => resolve(undefined), reject);
  });

/** Tries every order of the steps, until something is wrong. */
export async function explore(
  world: { readonly items: Items; readonly net: Net },
  processes: readonly Process[],
  left: Mishaps,
  checks: Checks,
): Promise<Explored> {
  const memory = createMemory(processes);
  const first: Node = {
    ...{ items: world.items, net: JSON.stringify(world.net), late: [], left, label: "" },
    progress: await Promise.all(processes.map((_, index) => memory.after(index, undefined))),
    ...{ dead: processes.map(() => false), again: processes.map(() => false), before: undefined },
  };
  const stack = [first];
  const seen = new Set<number>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const size = seen.size;
    if (seen.add(hashOf(fingerprint(node))).size === size) continue;
    const view = viewOf(node);
    const next: Node[] = [];
    for await (const one of successors(node, processes, view, memory)) next.push(one);
    const isLast = next.every(({ left }) => left.deaths < node.left.deaths);
    const problem = checks.always(view) ?? (isLast ? checks.finally(view) : undefined);
    if (problem) return { states: seen.size, problem, run: runTo(node) };
    stack.push(...next);
  }
  return { states: seen.size };
}

const viewOf = ({ items, net, progress, dead }: Node): View => ({
  items,
  net: JSON.parse(net) as Net,
  isOver: (index) => dead[index] === true || progress[index]?.step === undefined,
});

async function* successors(
  node: Node,
  processes: readonly Process[],
  view: View,
  { after }: ReturnType<typeof createMemory>,
): AsyncGenerator<Node> {
  const { items, net, progress, dead, again, late, left } = node;
  for (const [index, call] of late.entries())
    yield {
      ...{ ...node, before: node, label: `a late ${call.action} arrives` },
      ...{ items: execute(items, call).items, late: late.filter((_, at) => at !== index) },
    };
  for (const [index, { name, isMortal, isTimed }] of processes.entries()) {
    const own = progress[index];
    if (own?.step === undefined || dead[index]) continue;
    if (isMortal && !own.isNew && left.deaths > 0)
      yield {
        ...{ ...node, before: node, label: `${name} dies` },
        ...{ dead: replaced(dead, index, true), left: { ...left, deaths: left.deaths - 1 } },
      };
    const { label, call, when } = own.step;
    if (when?.(view) === false) continue;
    const clock = isTimed ? view.net.clock : 0;
    const { made, ...then } = makeStep(own.step, { items, net, isAgain: again[index] }, clock);
    const next = { ...node, ...then, before: node, label: `${name} ${label}${saidOf(made)}` };
    yield {
      ...{ ...next, again: replaced(again, index, false) },
      progress: replaced(progress, index, await after(index, own, made)),
    };
    if (call === undefined || call.action === "get") continue;
    // It has no answer and makes its call again, which was executed, or will be yet.
    const repeating = { again: replaced(again, index, true), before: node };
    if (left.lost > 0)
      yield {
        ...{ ...next, ...repeating, label: `${next.label}, the answer is lost` },
        left: { ...left, lost: left.lost - 1 },
      };
    if (left.late > 0)
      yield {
        ...{ ...node, ...repeating, label: `${name} ${label}: that attempt is late` },
        ...{ late: [...late, call], left: { ...left, late: left.late - 1 } },
      };
  }
}

const replaced = <Value>(all: readonly Value[], index: number, value: Value): readonly Value[] =>
  all.map((each, at) => (at === index ? value : each));

function makeStep(
  step: Step,
  { items, net, isAgain }: { items: Items; net: string; isAgain: boolean | undefined },
  at: number,
): { items: Items; net: string; made: Made } {
  if (step.call !== undefined) {
    const { items: after, answer } = execute(items, step.call);
    const result = isAgain ? { ...answer, isAgain } : answer;
    return { items: after, net, made: { result, at } };
  }
  const changed = JSON.parse(net) as Net;
  const result = step.net?.(changed);
  return { items, net: JSON.stringify(changed), made: { result, at } };
}

const saidOf = ({ result }: Made): string =>
  (result as Partial<Answer> | undefined)?.ok === false ? ": refused" : "";

const fingerprint = ({ items, net, progress, dead, again, late, left }: Node): string =>
  JSON.stringify([
    Object.values(items),
    net,
    progress.map(({ id }) => id),
    dead,
    again,
    late,
    left,
  ]);

function runTo(node: Node): readonly string[] {
  const run: string[] = [];
  for (let at: Node | undefined = node; at?.before; at = at.before) run.unshift(at.label);
  return run;
}
