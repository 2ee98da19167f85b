import { hashOf } from "../hash.ts";
import { type Answer, type Call, execute, type Items } from "./table.ts";

/** One call of a process; before `when` it waits. */
export interface Step {
  readonly label: string;
  readonly call: Call;
  readonly when?: (view: View) => boolean;
}

/** A function at work: it returns calls, and takes their answers. */
export type Work = Generator<Step, string, Answer>;

export interface Process {
  readonly name: string;
  readonly run: () => Work;
  /** Whether it may die before any of its calls but the first. */
  readonly isMortal?: boolean;
}

interface Progress {
  readonly answers: readonly Answer[];
  readonly isDead: boolean;
  readonly step: Step | undefined;
  readonly result: string | undefined;
}

export interface View {
  readonly items: Items;
  readonly deaths: number;
  readonly results: readonly (string | undefined)[];
  readonly isOver: (index: number) => boolean;
  readonly hasBegun: (index: number) => boolean;
  /** Whether first attempts of repeated calls are still on their way. */
  readonly isLate: boolean;
}

interface Node {
  readonly items: Items;
  readonly progress: readonly Progress[];
  readonly late: readonly Call[];
  readonly left: Mishaps;
  readonly deaths: number;
  readonly label: string;
  readonly before: Node | undefined;
}

/** How often at most a function dies, an answer is lost, and a repeated call's first attempt is late. */
export interface Mishaps {
  readonly deaths: number;
  readonly lost: number;
  readonly late: number;
}

function progressOf(process: Process, answers: readonly Answer[]): Progress {
  const work = process.run();
  let turn = work.next();
  for (const answer of answers) turn = work.next(answer);
  return turn.done
    ? { answers, isDead: false, step: undefined, result: turn.value }
    : { answers, isDead: false, step: turn.value, result: undefined };
}

const isOver = ({ step, isDead }: Progress): boolean => step === undefined || isDead;

const viewOf = ({ items, progress, late, deaths }: Node): View => ({
  items,
  deaths,
  results: progress.map(({ result }) => result),
  isOver: (index) => progress.slice(index, index + 1).every(isOver),
  hasBegun: (index) => (progress[index]?.answers.length ?? 0) > 0,
  isLate: late.length > 0,
});

function* successors(node: Node, processes: readonly Process[], view: View): Generator<Node> {
  for (const [index, call] of node.late.entries())
    yield {
      ...node,
      items: execute(node.items, call).items,
      late: node.late.filter((_, at) => at !== index),
      label: `a late ${call.action} arrives`,
      before: node,
    };
  for (const [index, process] of processes.entries()) {
    const own = node.progress[index];
    if (own?.step === undefined || own.isDead) continue;
    const { label, call, when } = own.step;
    if (when?.(view) === false) continue;
    const put = (progress: Progress) =>
      node.progress.map((each, at) => (at === index ? progress : each));
    const { items, answer } = execute(node.items, call);
    const said = `${process.name} ${label}${answer.ok ? "" : ": refused"}`;
    const next = { ...node, items, label: said, before: node };
    yield { ...next, progress: put(progressOf(process, [...own.answers, answer])) };
    yield* mishaps(node, next, call);
    if (process.isMortal && own.answers.length > 0 && node.left.deaths > 0)
      yield {
        ...{ ...node, before: node, label: `${process.name} dies`, deaths: node.deaths + 1 },
        left: { ...node.left, deaths: node.left.deaths - 1 },
        progress: put({ ...own, isDead: true }),
      };
  }
}

/** The process has no answer and repeats its call, which was executed, or will be yet. */
function* mishaps(node: Node, executed: Node, call: Call): Generator<Node> {
  if (call.action === "get") return;
  const { lost, late } = node.left;
  if (lost > 0)
    yield {
      ...executed,
      label: `${executed.label}, the answer is lost`,
      left: { ...node.left, lost: lost - 1 },
    };
  if (late > 0)
    yield {
      ...{ ...node, before: node, late: [...node.late, call] },
      label: `${executed.label}: that attempt is late`,
      left: { ...node.left, late: late - 1 },
    };
}

const toText = (_: string, held: unknown) => (held instanceof Set ? [...held].sort() : held);

const fingerprint = ({ items, progress, late, left }: Node): string =>
  JSON.stringify(
    [
      Object.entries(items).sort(),
      progress.map(({ answers, isDead, step }) =>
        isDead ? "dead" : [step === undefined, answers],
      ),
      late,
      left,
    ],
    toText,
  );

export interface Checks {
  /** What is wrong with a state. */
  readonly always?: (view: View) => string | undefined;
  /** What is wrong with a last one. */
  readonly finally?: (view: View) => string | undefined;
}

export interface Explored {
  readonly states: number;
  readonly problem?: string;
  readonly run?: readonly string[];
}

/** Tries every order of the calls, until something is wrong. */
export function explore(
  items: Items,
  processes: readonly Process[],
  left: Mishaps,
  checks: Checks,
): Explored {
  const progress = processes.map((process) => progressOf(process, []));
  const stack: Node[] = [
    { items, progress, late: [], left, deaths: 0, label: "", before: undefined },
  ];
  const seen = new Set<number>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const size = seen.size;
    if (seen.add(hashOf(fingerprint(node))).size === size) continue;
    const view = viewOf(node);
    const next = [...successors(node, processes, view)];
    const isLast = next.every(({ deaths }) => deaths > node.deaths);
    const problem = checks.always?.(view) ?? (isLast ? checks.finally?.(view) : undefined);
    if (problem) return { states: seen.size, problem, run: runTo(node) };
    stack.push(...next);
  }
  return { states: seen.size };
}

function runTo(node: Node): readonly string[] {
  const run: string[] = [];
  for (let at: Node | undefined = node; at?.before; at = at.before) run.unshift(at.label);
  return run;
}
