import type { Steps } from "./broadcast.ts";
import { forgive, pardon } from "./client.ts";
import { detach, erase, putMember } from "./members.ts";
import type { Rules } from "./rules.ts";
import { FIRST } from "./scenarios.ts";
import { add, type Command, type Disconnect, type Session, type Target } from "./world.ts";

/** $disconnect: may come late, or never. */
export const disconnect: Steps<Disconnect> = {
  detach(state, proc) {
    const rooms = detach(state, proc.target);
    proc.erase = rooms;
    proc.after = rooms && "end";
    proc.pc = rooms === undefined || rooms.length === 0 ? "end" : "erase";
  },
  erase,
};

/** Whether a later command on the room has been noted. */
const isSuperseded = ({ rooms, released }: Session, { room, stamp }: Command): boolean =>
  (rooms[room]?.stamp ?? 0) > stamp || (released[room] ?? 0) > stamp;

/** All commands of this model came by the first connection. */
const addressOf = (session: Session, commandKey: Rules["commandKey"]): Target =>
  commandKey === "record" ? session : { n: FIRST, connection: FIRST };

export const join: Steps<Command> = {
  record(state, proc, { keepsSince, commandKey }) {
    const { session } = state;
    const { room, stamp } = proc;
    if (isSuperseded(session, proc)) {
      proc.pc = "end";
      return;
    }
    const since = (keepsSince ? session.rooms[room]?.since : undefined) ?? state.done;
    const { [room]: _, ...released } = session.released;
    session.rooms = { ...session.rooms, [room]: { stamp, since } };
    session.released = released;
    pardon(state, room);
    const { n, connection } = addressOf(session, commandKey);
    proc.member = { n, connection, fresh: session.state === "recovering", stamp };
    proc.pc = session.state === "detached" ? "acknowledge" : "put";
  },
  put(state, proc, rules) {
    if (proc.member) putMember(state, rules, proc.room, proc.member);
    proc.pc = "acknowledge";
  },
  acknowledge(state, proc) {
    const { room, stamp } = proc;
    if (state.session.rooms[room]?.stamp === stamp) state.promised = add(state.promised, room);
    proc.pc = "end";
  },
};

export const leave: Steps<Command> = {
  record(state, proc, { commandKey }) {
    const { session } = state;
    const { room, stamp } = proc;
    if (isSuperseded(session, proc)) {
      proc.pc = "end";
      return;
    }
    const isKnown = room in session.rooms || room in session.released;
    const { [room]: _, ...rooms } = session.rooms;
    session.rooms = rooms;
    session.released = { ...session.released, [room]: stamp };
    forgive(state, room);
    const { n, connection } = addressOf(session, commandKey);
    proc.member = { n, connection, fresh: false, stamp, released: true };
    proc.pc = isKnown && session.state !== "detached" ? "put" : "acknowledge";
  },
  put(state, proc, rules) {
    if (proc.member) putMember(state, rules, proc.room, proc.member);
    proc.pc = "acknowledge";
  },
  acknowledge(state, proc) {
    if (state.session.released[proc.room] === proc.stamp) state.left = add(state.left, proc.room);
    proc.pc = "end";
  },
};
