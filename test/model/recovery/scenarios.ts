import type { Rules } from "./rules.ts";
import type { Command, Member, Mishap, Process, State } from "./world.ts";

/** What may happen, and how often at most. */
export interface Scenario extends Partial<Record<Mishap, number>> {
  /** The rooms of the session in the beginning. */
  readonly rooms: string;
  /** The rooms of each broadcast, by its id. */
  readonly broadcasts: Readonly<Record<number, string>>;
  /** Joins and leaves with the time at which they were received: `J5B`, `L10B`. */
  readonly commands?: string;
  /** Broadcasts that a function begins and a worker continues. */
  readonly divided?: readonly number[];
  /** Members are read in two pages, cut behind the first connection of the session. */
  readonly paged?: boolean;
  /** API Gateway never learns that a connection is dead. */
  readonly halfOpen?: boolean;
  /** Deadlines of broadcasts pass. */
  readonly deadlines?: boolean;
  /** Functions that may die; all without it. */
  readonly dying?: Process["kind"];
  /** Whether it is noted why a packet may come twice, which makes more states. */
  readonly reasons?: boolean;
}

export const FIRST = 1;

/** One session, connected by its first connection, in the rooms that it starts with. */
export function initialState(scenario: Scenario, { keys }: Rules): State {
  const rooms = [...scenario.rooms];
  const everyRoom = [...new Set([...rooms, ...Object.values(scenario.broadcasts).join("")])].sort();
  const member: Member = { n: FIRST, connection: FIRST, fresh: false, stamp: 0 };
  const key = keys === "epoch" ? String(FIRST) : "sid";
  return {
    procs: processesOf(scenario),
    session: {
      n: FIRST,
      connection: FIRST,
      state: "connected",
      rooms: Object.fromEntries(rooms.map((room) => [room, { stamp: 0, since: [] }])),
      released: {},
      pending: [],
      replayed: [],
      ponged: [],
      previous: undefined,
    },
    members: Object.fromEntries(
      everyRoom.map((room) => [room, rooms.includes(room) ? { [key]: member } : {}]),
    ),
    log: Object.fromEntries(everyRoom.map((room) => [room, []])),
    marks: [],
    done: [],
    pruned: [],
    divided: scenario.divided ?? [],
    connections: { [FIRST]: { frames: [], cut: false, gone: false } },
    client: { connection: FIRST, connected: true, got: {}, live: [], last: null, buffer: [] },
    flying: [],
    promised: rooms,
    due: [],
    left: [],
    barred: [],
    died: [],
    doubt: [],
    hot: scenario.reasons === false ? null : { cut: [], return: [], last: [] },
    renewed: false,
    wrong: [],
    mishaps: mishapsOf(scenario),
  };
}

const mishapsOf = ({
  cuts = 0,
  deaths = 0,
  pings = 0,
  lost = 0,
  late = 0,
  unanswered = 0,
  prunes = 0,
}: Scenario) => ({ cuts, deaths, pings, lost, late, unanswered, prunes });

function processesOf({ broadcasts, commands }: Scenario): State["procs"] {
  const procs: State["procs"] = {};
  for (const [id, rooms] of Object.entries(broadcasts))
    procs[`b${id}`] = {
      ...{ kind: "broadcast", id: Number(id), part: 0, rooms: [...rooms] },
      ...{ pc: "log", reads: 0, found: [] },
    };
  for (const text of commands?.split(" ") ?? []) procs[text] = commandOf(text);
  return procs;
}

/** Of two commands of one time a leave wins. */
function commandOf(text: string): Command {
  const [, kind, at, room = ""] = /^([JL])(\d+)(\w)$/.exec(text) ?? [];
  return kind === "J"
    ? { kind: "join", room, stamp: 2 * Number(at), pc: "record" }
    : { kind: "leave", room, stamp: 2 * Number(at) + 1, pc: "record" };
}
