import { add, type Frame, type Hot, idOf, partFor, roomOf, type State } from "./world.ts";

/** How API Gateway answers a post: 200 whatever the network does, 410 once it knows, or not at all. */
export type Outcome = "answered" | "arrives without an answer" | "is late without an answer";

/** Posts a frame; returns the status, and nothing where there was no answer. */
export function post(
  state: State,
  id: number,
  frame: Frame,
  outcome: Outcome = "answered",
): 200 | 410 | undefined {
  const connection = state.connections[id];
  if (connection === undefined || connection.gone) return 410;
  if (outcome === "is late without an answer")
    state.flying = [...state.flying, { connection: id, frame }];
  else if (!connection.cut) connection.frames = [...connection.frames, frame];
  return outcome === "answered" ? 200 : undefined;
}

/** The stock client reads frames. Events before the CONNECT answer wait in its buffer, as they do in socket.io-client. */
export function read(state: State, frames: readonly Frame[]): void {
  const { client } = state;
  let highest = 0;
  for (const frame of frames) {
    if (frame.ping !== undefined) continue;
    if (frame.connect) {
      client.connected = true;
      for (const early of client.buffer) take(state, early);
      client.buffer = [];
      continue;
    }
    if (!client.connected) {
      complain(state, "an event before the CONNECT answer");
      client.buffer = [...client.buffer, frame];
      continue;
    }
    if (frame.replay && !frame.late) {
      if ((frame.id ?? 0) < highest) complain(state, "replayed out of order");
      highest = frame.id ?? 0;
    }
    noteOrder(state, frame);
    take(state, frame);
  }
}

function noteOrder(state: State, frame: Frame): void {
  const connection = state.connections[state.client.connection ?? 0];
  if (connection === undefined) return;
  if (frame.replay && connection.live) complain(state, "a live packet before a replayed one");
  if (!frame.replay) connection.live = true;
}

function take(state: State, { id = 0, offset, replay }: Frame): void {
  const { client } = state;
  client.got = { ...client.got, [id]: (client.got[id] ?? 0) + 1 };
  client.last = { id, base: [], ...offset };
  if (state.barred.some((note) => idOf(note) === id))
    complain(state, "a packet of a room that was left");
  if (replay) return;
  if (client.live.includes(id) && !state.doubt.includes(id))
    complain(state, "posted twice by one broadcast");
  client.live = add(client.live, id);
}

export function complain(state: State, text: string): void {
  state.wrong = add(state.wrong, text);
}

/** The network dies after the client has read some of what was posted. */
export function cut(state: State, count: number, gone: boolean): void {
  const { client } = state;
  const connection = state.connections[client.connection ?? 0];
  if (connection === undefined) return;
  read(state, connection.frames.slice(0, count));
  Object.assign(connection, { frames: [], cut: true, gone: connection.gone || gone });
  delete connection.live;
  state.flying = state.flying.filter((late) => late.connection !== client.connection);
  if (state.hot !== null) state.hot = heat(state, state.hot);
  client.connection = null;
  client.connected = false;
}

function heat(state: State, hot: Hot): Hot {
  const beside = Object.keys(state.client.got)
    .map(Number)
    .filter((id) => isBeside(state, id));
  return {
    ...hot,
    cut: inFlight(state).reduce<readonly number[]>(add, hot.cut),
    last: beside.reduce<readonly number[]>(add, hot.last),
  };
}

/** Whether a packet was posted at the same time as the last one that was received. */
const isBeside = (state: State, id: number): boolean => {
  const { last } = state.client;
  return id !== last?.id && last?.at === undefined && !last?.base.includes(partFor(state, id));
};

export const inFlight = ({ procs, log }: State): readonly number[] =>
  Object.values(procs).flatMap((proc) => {
    if (proc.kind !== "broadcast") return [];
    const isBegun = proc.pc !== "log" || proc.rooms.some((room) => log[room]?.includes(proc.id));
    return isBegun ? [proc.id] : [];
  });

/** What was sent to a room is due for as long as the session has not left it. */
export function forgive(state: State, room: string): void {
  state.promised = state.promised.filter((each) => each !== room);
  state.due = state.due.filter((note) => roomOf(note) !== room);
}

export function pardon(state: State, room: string): void {
  const again = state.barred.filter((note) => roomOf(note) === room).map(idOf);
  state.left = state.left.filter((each) => each !== room);
  state.barred = state.barred.filter((note) => !again.includes(idOf(note)));
}
