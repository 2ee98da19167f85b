import { hashOf } from "../hash.ts";

/** A named step of a model, which changes a copy of the state of its own. */
export type Action<S> = readonly [label: string, change: (state: S) => void];

export interface Model<S> {
  readonly initial: S;
  readonly copy: (state: S) => S;
  readonly actions: (state: S) => readonly Action<S>[];
  /** What is wrong with a state. */
  readonly inspect: (state: S) => readonly string[];
}

export interface Findings {
  readonly states: number;
  readonly isComplete: boolean;
  /** What was found, each with the shortest run to it. */
  readonly found: ReadonlyMap<string, readonly string[]>;
}

interface Options {
  readonly max?: number;
  /** What ends the search as soon as it was found. */
  readonly until?: (finding: string) => boolean;
}

interface Node<S> {
  readonly state: S;
  readonly label: string;
  readonly before: Node<S> | undefined;
}

/** Visits all states, breadth first, so that the first run to a finding is a shortest one. */
export function explore<S>(
  { initial, copy, actions, inspect }: Model<S>,
  { max = Number.POSITIVE_INFINITY, until = () => false }: Options = {},
): Findings {
  const seen = new Set([hashOf(JSON.stringify(initial))]);
  const found = new Map<string, readonly string[]>();
  let level: Node<S>[] = [{ state: initial, label: "", before: undefined }];
  while (level.length > 0) {
    const next: Node<S>[] = [];
    for (const node of level) {
      for (const finding of inspect(node.state))
        if (!found.has(finding)) found.set(finding, runTo(node));
      if (seen.size >= max || [...found.keys()].some(until))
        return { states: seen.size, isComplete: false, found };
      for (const [label, change] of actions(node.state)) {
        const state = copy(node.state);
        change(state);
        const size = seen.size;
        if (seen.add(hashOf(JSON.stringify(state))).size === size) continue;
        next.push({ state, label, before: node });
      }
    }
    level = next;
  }
  return { states: seen.size, isComplete: true, found };
}

function runTo<S>(node: Node<S>): readonly string[] {
  const run: string[] = [];
  for (let at: Node<S> | undefined = node; at?.before; at = at.before) run.unshift(at.label);
  return run;
}

/** Random runs, the same for each seed, where there are too many states to visit all. */
export function walk<S>(
  { initial, copy, actions, inspect }: Model<S>,
  { max = 100_000, until = () => false, seed = 1 }: Options & { readonly seed?: number } = {},
): Findings {
  const random = randomNumbers(seed);
  const found = new Map<string, readonly string[]>();
  let states = 0;
  while (states < max && ![...found.keys()].some(until)) {
    const state = copy(initial);
    const run: string[] = [];
    // All at one pace meet in small steps, some far slower than others in large ones.
    const spread = 6 * random();
    const paces = new Map<string, number>();
    const paceOf = ([label]: Action<S>) => {
      const [actor = ""] = label.split(" ");
      const pace = paces.get(actor) ?? random() ** spread;
      paces.set(actor, pace);
      return pace;
    };
    for (let all = actions(state); all.length > 0; all = actions(state)) {
      for (const finding of inspect(state))
        if (run.length < (found.get(finding)?.length ?? Number.POSITIVE_INFINITY))
          found.set(finding, [...run]);
      const [label, change] = draw(all, paceOf, random);
      change(state);
      run.push(label);
      states += 1;
    }
    for (const finding of inspect(state)) if (!found.has(finding)) found.set(finding, [...run]);
  }
  return { states, isComplete: false, found };
}

/** One of several, each as likely as its weight. */
function draw<T>(all: readonly T[], weightOf: (each: T) => number, random: () => number): T {
  const weights = all.map(weightOf);
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return all[Math.max(at, 0)] as T;
}

/** The same model, some named steps later. */
export function after<S>(model: Model<S>, labels: readonly string[]): Model<S> {
  const initial = model.copy(model.initial);
  for (const wanted of labels) {
    const found = model.actions(initial).find(([label]) => label === wanted);
    if (found === undefined) throw new Error(`Nothing does this now: ${wanted}`);
    found[1](initial);
  }
  return { ...model, initial };
}

/** mulberry32 */
function randomNumbers(seed: number): () => number {
  let at = seed;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
