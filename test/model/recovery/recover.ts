import { closeConnection, type Steps } from "./broadcast.ts";
import { inFlight, post } from "./client.ts";
import { deleteMember, putMember } from "./members.ts";
import { hasReceived, isPrunedFor, later, marksOf, offsetOf } from "./offsets.ts";
import type { Rules } from "./rules.ts";
import { add, idOf, noteOf, type Recovery, roomOf, type State } from "./world.ts";

export const recovery: Steps<Recovery> = {
  /** One conditional update of the session. */
  take(state, proc, rules) {
    const { session } = state;
    const isOwn = session.n === proc.connection && proc.retried === true;
    if (isOwn && !rules.knowsOwnTake) return renew(state, proc);
    if (rules.order === "connectedAt" && session.n >= proc.connection && !isOwn)
      return refuse(state, proc);
    if (!isOwn) {
      session.previous = { n: session.n, ponged: session.ponged };
      session.n = rules.order === "connectedAt" ? proc.connection : session.n + 1;
      Object.assign(session, { connection: proc.connection, state: "recovering" });
      Object.assign(session, { pending: [], replayed: [], ponged: [] });
    }
    const { n, previous, rooms } = session;
    proc.from = later(proc.offset, previous?.ponged ?? []);
    Object.assign(proc, { n, rooms, old: previous?.n ?? n });
    if (state.hot)
      state.hot = { ...state.hot, return: inFlight(state).reduce(add<number>, state.hot.return) };
    if (rules.retention === "before" && isPrunedFor(state, proc)) return renew(state, proc);
    go(proc, rules);
  },

  /** One put, with the stamp of the record. */
  list(state, proc, rules) {
    const { n, connection, old } = proc;
    const room = Object.keys(proc.rooms)[proc.at];
    if (room !== undefined) {
      // A CONNECT is received after all that the client sent by its old connection.
      const stamp = rules.listStamp === "record" ? (proc.rooms[room]?.stamp ?? 0) : 1000 * n;
      const member = { n, connection, fresh: true, stamp };
      putMember(state, rules, room, member, rules.listsIfNewer);
      if (rules.keys === "epoch" && old !== n) deleteMember(state, rules, room, old);
    }
    nextRoom(proc, rules);
  },

  query(state, proc, rules) {
    if (proc.at === 0 && proc.queried === undefined) proc.queried = state.done;
    const room = Object.keys(proc.rooms)[proc.at] ?? "";
    const since = proc.rooms[room]?.since ?? [];
    for (const id of state.log[room] ?? []) {
      const marks = marksOf(id, state, rules);
      proc.marked = marks.reduce(add<string>, proc.marked);
      const isBefore = marks.some((part) => since.includes(part)) || since.includes(`T${id}`);
      if (!isBefore) proc.found = add(proc.found, noteOf(id, room));
      if (marks.length === 0) proc.unmarked = add(proc.unmarked, id);
    }
    nextRoom(proc, rules);
  },

  /** Reads the session with the revocations: what was left meanwhile is not replayed. */
  look(state, proc, rules) {
    proc.found = proc.found.filter((note) => roomOf(note) in state.session.rooms);
    proc.unmarked = proc.unmarked.filter((id) => proc.found.some((note) => idOf(note) === id));
    if (rules.retention === "after" && isPrunedFor(state, proc)) return renew(state, proc);
    go(proc, rules);
  },

  answer(state, proc, rules, { outcome }) {
    if (isPosted(state, proc, rules, post(state, proc.connection, { connect: true }, outcome)))
      go(proc, rules);
  },

  /** One post; those of one recovery follow one another. */
  replay(state, proc, rules, { outcome }) {
    const id = proc.found
      .map(idOf)
      .find((each) => !proc.posted.includes(each) && !hasReceived(each, proc, rules));
    if (id === undefined) return go(proc, rules);
    const offset = offsetOf(id, proc);
    const frame = { id, offset, replay: true, late: proc.again === true } as const;
    if (!isPosted(state, proc, rules, post(state, proc.connection, frame, outcome))) return;
    proc.posted = [...proc.posted, id];
    if (!proc.again) proc.last = offset;
  },

  /** One conditional update of the session. */
  complete(state, proc, rules) {
    const { session } = state;
    if (session.n !== proc.n || session.state !== "recovering") return end(proc);
    if (rules.asks && rules.notes && session.pending.join() !== proc.seen.join()) {
      proc.pc = "reread";
      return;
    }
    session.state = "connected";
    session.pending = [];
    session.replayed = rules.replayedSet ? proc.unmarked : [];
    proc.pc = "end";
  },

  /** Packets that broadcasters left to this recovery: their log entries are read, and posted. */
  reread({ session }, proc, rules) {
    if (session.n !== proc.n || session.state !== "recovering") return end(proc);
    proc.seen = session.pending;
    proc.found = proc.seen.reduce(add<string>, proc.found);
    proc.again = true;
    proc.step = rules.recovery.lastIndexOf("replay");
    proc.pc = "replay";
  },
};

/** An older connection than the session's: nothing is left for it but to be closed. */
function refuse(state: State, proc: Recovery): void {
  const connection = state.connections[proc.connection];
  if (connection) connection.gone = true;
  end(proc);
}

/** What cannot be filled whole is a new session, of which this model knows no more. */
function renew(state: State, proc: Recovery): void {
  state.renewed = true;
  end(proc);
}

function isPosted(
  state: State,
  proc: Recovery,
  { closesUnanswered }: Rules,
  status: 200 | 410 | undefined,
): boolean {
  if (status === undefined && !closesUnanswered) return true;
  if (status === undefined) closeConnection(state, proc.connection);
  if (status !== 200) end(proc);
  return status === 200;
}

function end(proc: Recovery): void {
  proc.pc = "end";
}

function go(proc: Recovery, { recovery: program }: Rules): void {
  proc.step += 1;
  proc.pc = program[proc.step] ?? "end";
  proc.at = 0;
}

function nextRoom(proc: Recovery, rules: Rules): void {
  proc.at += 1;
  if (proc.at >= Object.keys(proc.rooms).length) go(proc, rules);
}
