import { post } from "./client.ts";
import type { Action } from "./explore.ts";
import type { Rules } from "./rules.ts";
import type { Scenario } from "./scenarios.ts";
import { add, type State } from "./world.ts";

/** What comes by time alone: late frames, deadlines, retention, and the end of asking. */
export function* passing(state: State, rules: Rules, scenario: Scenario): Generator<Action<State>> {
  yield* lateFrames(state);
  if (scenario.deadlines)
    for (const id of Object.keys(scenario.broadcasts)) yield* deadlines(state, Number(id), rules);
  yield* pruning(state);
  if (rules.settles === "time") yield* leases(state);
}

function* lateFrames({ flying, connections }: State): Generator<Action<State>> {
  for (const [at, { connection, frame }] of flying.entries())
    if (!connections[connection]?.gone)
      yield [
        `packet ${frame.id} arrives late`,
        (next) => {
          next.flying = next.flying.filter((_, index) => index !== at);
          post(next, connection, frame);
        },
      ];
}

/** Until the deadline of a broadcast its functions may begin posts; a worker that comes later stops. */
function* deadlines(state: State, id: number, { deadline }: Rules): Generator<Action<State>> {
  const all = Object.entries(state.procs).filter(
    ([, proc]) => proc.kind === "broadcast" && proc.id === id,
  );
  const isBegun = all.every(([, { pc }]) => pc !== "log");
  const posting = all.filter(([, { pc }]) => !/^(over|settle|mark)$/.test(pc));
  const isLate = posting.every(([, { pc }]) => /^(resolve|ask|note|stamp)$/.test(pc));
  if (state.done.includes(`T${id}`) || !isBegun || !isLate) return;
  yield [
    `the deadline of packet ${id} passes`,
    (next) => {
      next.done = add(next.done, `T${id}`);
      if (!deadline) return;
      for (const [name] of posting) {
        delete next.procs[name];
        next.died = add(next.died, id);
      }
    },
  ];
}

/** What is older than the retention is gone, though it may be a while before it is. */
function* pruning({ mishaps, done, pruned }: State): Generator<Action<State>> {
  if (mishaps.prunes === 0) return;
  for (const token of done) {
    const id = Number(token.slice(1));
    if (!token.startsWith("T") || pruned.includes(id)) continue;
    yield [
      `packet ${id} is pruned`,
      (next) => {
        next.mishaps = { ...next.mishaps, prunes: next.mishaps.prunes - 1 };
        next.pruned = add(next.pruned, id);
        for (const room of Object.keys(next.log))
          next.log[room] = (next.log[room] ?? []).filter((each) => each !== id);
        next.marks = next.marks.filter((part) => !part.startsWith(`${id}.`));
      },
    ];
  }
}

/** Without an answer, asking ends when the function that listed the members can no longer live. */
function* leases({ members, procs, session }: State): Generator<Action<State>> {
  const all = Object.values(members).flatMap((room) => Object.values(room));
  const epochs = new Set(all.filter(({ fresh }) => fresh).map(({ n }) => n));
  for (const n of epochs) {
    const isRunning = (procs[`r${n}`]?.pc ?? "dead") !== "dead";
    if (isRunning || session.replayed.some((id) => `b${id}` in procs)) continue;
    yield [
      `members of connection ${n} count as settled`,
      (next) => {
        for (const [room, held] of Object.entries(next.members))
          next.members[room] = Object.fromEntries(
            Object.entries(held).map(([key, member]) => [
              key,
              member.n === n ? { ...member, fresh: false } : member,
            ]),
          );
      },
    ];
  }
}
