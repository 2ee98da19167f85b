import { type Outcome, post } from "./client.ts";
import { detach, erase, membersOf, newest, settleMember } from "./members.ts";
import type { Rules } from "./rules.ts";
import { FIRST, type Scenario } from "./scenarios.ts";
import { add, type Broadcast, type Found, noteOf, type State } from "./world.ts";

export type Steps<P> = Readonly<
  Record<string, (state: State, proc: P, rules: Rules, context: Context) => void>
>;

export interface Context {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

/** A page holds the session's first member, the next one those of its later connections. */
type Page = (n: number) => boolean;
const WHOLE: readonly Page[] = [() => true];
const PAGES: readonly Page[] = [(n) => n <= FIRST, (n) => n > FIRST];

function readsOf(proc: Broadcast, { ranges }: Rules, { scenario }: Context) {
  const isDivided = scenario.divided?.includes(proc.id);
  const ofPart =
    ranges === "within" && isDivided ? PAGES.slice(proc.part, proc.part + 1) : undefined;
  const pages = ofPart ?? (scenario.paged ? PAGES : WHOLE);
  return pages.flatMap((page) => proc.rooms.map((room) => ({ page, room })));
}

const partOf = ({ id, part }: Broadcast): string => `${id}.${part}`;

export const broadcast: Steps<Broadcast> = {
  log(state, proc, rules) {
    bar(state, proc);
    if (state.hot && isRecovering(state))
      state.hot = { ...state.hot, return: add(state.hot.return, proc.id) };
    if (rules.logFirst) write(state, proc);
    proc.pc = state.divided.includes(proc.id) ? "invoke" : "resolve";
  },

  /** Leaves the rest of the room to a worker; the session of this model is in the rest. */
  invoke(state, proc, { ranges }) {
    state.procs[`${proc.id}w`] = { ...proc, part: 1, pc: "resolve" };
    proc.pc = ranges === "within" ? "resolve" : "over";
  },

  /** One page of one room. */
  resolve(state, proc, rules, context) {
    const reads = readsOf(proc, rules, context);
    const { page, room = "" } = reads[proc.reads] ?? {};
    if (
      state.promised.includes(room) &&
      room in state.session.rooms &&
      proc.reads < proc.rooms.length
    )
      state.due = add(state.due, noteOf(proc.id, room));
    const seen = membersOf(state, room).filter(({ n }) => page?.(n));
    const now = seen.map(({ n, connection, fresh }): Found => ({ n, connection, fresh, room }));
    proc.found = [...proc.found, ...now];
    proc.reads += 1;
    const isLast = proc.reads === reads.length;
    if (!isLast && (rules.wholeSids || now.length === 0)) return;
    const target = newest(rules.wholeSids ? proc.found : now);
    proc.target = target && { n: target.n, connection: target.connection };
    proc.found = proc.found.filter(({ n }) => n === target?.n);
    proc.pc = rules.logFirst ? afterResolving(proc) : "logLate";
  },

  logLate(state, proc) {
    write(state, proc);
    proc.pc = afterResolving(proc);
  },

  /** The member was listed by a recovery: whether that still goes on, its session says. */
  ask({ session }, proc, rules) {
    const isCurrent = session.n === proc.target?.n;
    if (!rules.asks) proc.pc = "stamp";
    else if (isCurrent && session.state === "recovering") proc.pc = "note";
    else if (isCurrent && session.state === "connected" && !session.replayed.includes(proc.id)) {
      proc.pc = "stamp";
      proc.settles = (rules.settles === "asked" && session.replayed.length === 0) || undefined;
    } else proc.pc = "over";
  },

  /** Leaves the packet to the recovery, on the condition that it goes on. */
  note({ session }, proc, { notes }) {
    const isRecovering = session.n === proc.target?.n && session.state === "recovering";
    const [found] = proc.found;
    if (isRecovering && notes && found)
      session.pending = add(session.pending, noteOf(proc.id, found.room));
    proc.pc = isRecovering ? "over" : "ask";
  },

  stamp(state, proc) {
    proc.base = state.done;
    proc.pc = "post";
  },

  post(state, proc, { unanswered }, { outcome }) {
    const frame = { id: proc.id, offset: { base: proc.base ?? [] } };
    const status = post(state, proc.target?.connection ?? 0, frame, outcome);
    if (status === undefined) {
      state.doubt = add(state.doubt, proc.id);
      if (unanswered === "retry") return;
      if (unanswered !== "mark") proc.unmarked = true;
    }
    proc.base = undefined;
    if (status === undefined && unanswered === "close") proc.pc = "close";
    else proc.pc = status === 410 ? "detach" : "over";
  },

  /** Nobody knows whether the packet has arrived: the client has to come back and say. */
  close(state, proc) {
    closeConnection(state, proc.target?.connection ?? 0);
    proc.pc = "detach";
  },

  detach(state, proc, rules) {
    if (proc.target === undefined) return;
    const rooms = detach(state, proc.target);
    const isForeign = rules.keys === "sid" && state.session.n !== proc.target.n;
    proc.erase = isForeign ? [] : (rooms ?? proc.rooms);
    proc.pc = "erase";
    proc.after = "over";
  },
  erase,

  over(state, proc, rules, context) {
    if (proc.reads > 0 && proc.reads < readsOf(proc, rules, context).length) {
      proc.pc = "resolve";
      return;
    }
    state.done = add(state.done, partOf(proc));
    proc.pc = proc.settles ? "settle" : "mark";
    if (!proc.settles) proc.target = undefined;
    proc.settles = undefined;
  },

  settle(state, proc, rules) {
    for (const { room, n } of proc.found) settleMember(state, rules, room, n);
    proc.target = undefined;
    proc.pc = "mark";
  },

  mark(state, proc) {
    if (!proc.unmarked) state.marks = add(state.marks, partOf(proc));
    proc.pc = "end";
  },
};

function afterResolving({ target, found }: Broadcast): string {
  if (target === undefined) return "over";
  return found.some(({ fresh }) => fresh) ? "ask" : "stamp";
}

function write(state: State, { id, rooms }: Broadcast): void {
  for (const room of rooms) state.log[room] = add(state.log[room] ?? [], id);
}

/** What is first sent when its rooms have been left must not come. */
function bar(state: State, { id, rooms }: Broadcast): void {
  const isRepeated =
    state.pruned.includes(id) || rooms.some((room) => state.log[room]?.includes(id));
  if (!isRepeated && rooms.every((room) => state.left.includes(room)))
    for (const room of rooms) state.barred = add(state.barred, noteOf(id, room));
}

const isRecovering = ({ procs }: State): boolean =>
  Object.values(procs).some(
    ({ kind, pc }) => kind === "recovery" && pc !== "take" && pc !== "dead",
  );

/** Closes a connection; $disconnect follows. */
export function closeConnection(state: State, id: number): void {
  const connection = state.connections[id];
  if (connection === undefined || connection.gone) return;
  connection.gone = true;
  const target = { n: id, connection: id };
  state.procs[`disconnect${id}`] = { kind: "disconnect", pc: "detach", target };
}
