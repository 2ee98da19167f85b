import { broadcast, type Context, type Steps } from "./broadcast.ts";
import { cut, type Outcome } from "./client.ts";
import { disconnect, join, leave } from "./commands.ts";
import type { Action } from "./explore.ts";
import { recovery } from "./recover.ts";
import type { Rules } from "./rules.ts";
import type { Scenario } from "./scenarios.ts";
import { add, type Late, type Mishap, type Process, type State } from "./world.ts";

type Acting = Exclude<Process, Late>;

/** Runs one step of a process on the state. */
function run(state: State, proc: Acting, rules: Rules, context: Context): void {
  const step = <P extends Acting>(steps: Steps<P>, each: P) =>
    steps[each.pc]?.(state, each, rules, context);
  switch (proc.kind) {
    case "broadcast":
      step(broadcast, proc);
      break;
    case "disconnect":
      step(disconnect, proc);
      break;
    case "join":
      step(join, proc);
      break;
    case "leave":
      step(leave, proc);
      break;
    case "recovery":
      step(recovery, proc);
      break;
  }
}

const spend = (state: State, mishap: Mishap): void => {
  state.mishaps = { ...state.mishaps, [mishap]: state.mishaps[mishap] - 1 };
};

const CALLS = /^(log|logLate|note|settle|mark|detach|erase|record|put|take|list|complete)$/;
/** Writes that may arrive after their repetition and still have an effect. */
const LATE_CALLS = /^(log|settle|mark|erase|record|put|list)$/;
const POSTS = /^(post|answer|replay)$/;

/** Each process takes its next step; where that is a call, its answer may be lost. */
export function* steps({ procs, mishaps }: State, rules: Rules, scenario: Scenario) {
  for (const [name, proc] of Object.entries(procs)) {
    const { kind, pc } = proc;
    if (pc === "dead") continue;
    if (kind === "late") {
      yield action(`${name} arrives`, (state) => {
        run(state, structuredClone(proc.of), rules, { scenario, outcome: "answered" });
        delete state.procs[name];
      });
      continue;
    }
    const advance = (state: State, outcome: Outcome) => {
      const own = state.procs[name];
      if (own === undefined || own.kind === "late") return;
      run(state, own, rules, { scenario, outcome });
      if (own.pc === "end") delete state.procs[name];
    };
    yield action(`${name} ${pc}`, (state) => advance(state, "answered"));
    if (mishaps.unanswered > 0 && POSTS.test(pc))
      for (const outcome of ["arrives without an answer", "is late without an answer"] as const)
        yield action(`${name} ${pc} ${outcome}`, (state) => {
          spend(state, "unanswered");
          advance(state, outcome);
        });
    yield* repetitions(name, proc, mishaps, (state) => advance(state, "answered"));
  }
}

const action = (label: string, change: (state: State) => void): Action<State> => [label, change];

/** The SDK repeats a call without an answer: the first attempt has had its effect, or will have it yet. */
function* repetitions(
  name: string,
  proc: Acting,
  mishaps: State["mishaps"],
  advance: (state: State) => void,
) {
  const again = proc.kind === "recovery" ? { ...proc, retried: true } : { ...proc };
  if (mishaps.lost > 0 && CALLS.test(proc.pc))
    yield action(`${name} ${proc.pc}, the answer is lost`, (state) => {
      spend(state, "lost");
      advance(state);
      state.procs[name] = again;
    });
  if (mishaps.late > 0 && LATE_CALLS.test(proc.pc))
    yield action(`${name} ${proc.pc}, first attempt is late`, (state) => {
      spend(state, "late");
      state.procs[`late ${name} ${proc.pc}`] = { kind: "late", pc: "arrives", of: { ...proc } };
    });
}

export function* deaths({ procs, mishaps }: State, { dying }: Scenario) {
  if (mishaps.deaths === 0) return;
  for (const [name, proc] of Object.entries(procs)) {
    const { kind, pc } = proc;
    if (dying !== undefined && kind !== dying) continue;
    const isStarted = pc !== "dead" && pc !== "log" && kind !== "late";
    if (!isStarted || (kind === "disconnect" && pc === "detach")) continue;
    yield action(`${name} dies before ${pc}`, (state) => {
      spend(state, "deaths");
      if (kind === "broadcast") {
        state.died = add(state.died, proc.id);
        state.done = add(state.done, `${proc.id}.${proc.part}`);
      } else state.died = add(state.died, kind);
      if (kind === "recovery") state.procs[name] = { ...proc, pc: "dead" };
      else delete state.procs[name];
    });
  }
}

/** $disconnect, and what ends the client's connection: the network, whoever closed it, the sweep. */
export function* network(state: State, { halfOpen }: Scenario) {
  const { client, connections, procs } = state;
  for (const [id, { cut: isCut, gone }] of Object.entries(connections))
    if (isCut && !gone && !halfOpen)
      yield action(`connection ${id} is gone, $disconnect on its way`, (next) => {
        Object.assign(next.connections[id] ?? {}, { gone: true });
        const target = { n: Number(id), connection: Number(id) };
        next.procs[`disconnect${id}`] = { kind: "disconnect", pc: "detach", target };
      });
  const connection = connections[client.connection ?? 0];
  if (connection === undefined) return;
  const { frames, gone, answered = 0 } = connection;
  const recoverer = `r${client.connection}`;
  const isStuck = isStale(state, procs[recoverer]);
  if (state.mishaps.cuts === 0 && !gone && !isStuck) return;
  const why = gone ? "was closed" : isStuck ? "is closed by the sweep" : "is cut";
  for (let count = answered; count <= frames.length; count += 1)
    yield action(
      `connection ${client.connection} ${why} after ${count} of ${frames.length} frames`,
      (next) => {
        if (!gone && !isStuck) spend(next, "cuts");
        cut(next, count, isStuck);
        if (procs[recoverer]?.pc === "dead") delete next.procs[recoverer];
      },
    );
}

/** What the sweep closes: a connection whose recovery has broken off. */
function isStale({ client, session }: State, recoverer: Process | undefined): boolean {
  if (recoverer?.pc !== "dead") return false;
  return session.connection !== client.connection || session.state === "recovering";
}

/** A ping counts from the completed recovery on: before, what was posted is not all that is missing. */
export function* heartbeat({ client, connections, session, mishaps }: State, rules: Rules) {
  const id = client.connection;
  const connection = connections[id ?? 0];
  if (connection === undefined || session.connection !== id) return;
  if (mishaps.pings > 0 && (session.state === "connected" || rules.pings === "always"))
    yield action("a ping is posted", (next) => {
      spend(next, "pings");
      const own = next.connections[id];
      if (own && !own.gone && !own.cut) own.frames = [...own.frames, { ping: next.done }];
    });
  const { frames, answered = 0 } = connection;
  const at = frames.findLastIndex(({ ping }) => ping !== undefined);
  if (at + 1 > answered)
    yield action("its pong is noted", (next) => {
      Object.assign(next.connections[id] ?? {}, { answered: at + 1 });
      next.session.ponged = frames[at]?.ping ?? [];
    });
}

export function* returns({ client, connections }: State) {
  if (client.connection !== null) return;
  const id = Math.max(...Object.keys(connections).map(Number)) + 1;
  yield action(`the client returns by connection ${id} with packet ${client.last?.id}`, (next) => {
    next.connections[id] = { frames: [], cut: false, gone: false };
    next.client.connection = id;
    next.procs[`r${id}`] = {
      ...{ kind: "recovery", pc: "take", connection: id, offset: next.client.last },
      ...{ step: 0, at: 0, n: 0, old: 0, from: null, rooms: {} },
      ...{ found: [], posted: [], marked: [], unmarked: [], seen: [] },
    };
  });
}
