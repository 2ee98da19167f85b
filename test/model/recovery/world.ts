/**
 * What no protocol can change: connections that are cut and still accept posts, a stock client that
 * remembers the offset of the last event alone, and clocks.
 *
 * Of a time only what is surely before it matters, so a stamp is a copy of `state.done`: the parts
 * of broadcasts whose posts were over (`1.0` of the function itself, `1.1` of its worker), and the
 * broadcasts whose deadline had passed (`T1`). Ids may contradict the order of posts without bound.
 *
 * A step works on a copy of the state of two levels, so no array and no object below is changed in place.
 */
export type Stamp = readonly string[];

/** A packet in a room: `1|A`. */
export type Note = string;

export interface Offset {
  readonly id: number | null;
  readonly base: Stamp;
  readonly anchor?: number | undefined;
  readonly upTo?: number | undefined;
  readonly at?: Stamp | undefined;
}

export interface Frame {
  readonly connect?: true;
  readonly ping?: Stamp;
  readonly id?: number;
  readonly offset?: Omit<Offset, "id">;
  readonly replay?: true;
  readonly late?: boolean;
}

export interface Member {
  readonly n: number;
  readonly connection: number;
  readonly fresh: boolean;
  readonly stamp: number;
  readonly released?: true;
}

export interface Session {
  n: number;
  connection: number;
  state: "connected" | "recovering" | "detached";
  rooms: Readonly<Record<string, { readonly stamp: number; readonly since: Stamp }>>;
  released: Readonly<Record<string, number>>;
  pending: readonly Note[];
  replayed: readonly number[];
  ponged: Stamp;
  /** What a take has replaced: it may have to be read again. */
  previous: { readonly n: number; readonly ponged: Stamp } | undefined;
}

export interface Connection {
  frames: readonly Frame[];
  cut: boolean;
  gone: boolean;
  live?: true | undefined;
  answered?: number;
}

export interface Client {
  connection: number | null;
  connected: boolean;
  got: Readonly<Record<number, number>>;
  live: readonly number[];
  last: Offset | null;
  buffer: readonly Frame[];
}

export interface Broadcast {
  kind: "broadcast";
  id: number;
  part: 0 | 1;
  rooms: readonly string[];
  pc: string;
  reads: number;
  found: readonly Found[];
  target?: Target | undefined;
  base?: Stamp | undefined;
  settles?: boolean | undefined;
  unmarked?: true;
  erase?: readonly string[] | undefined;
  after?: string | undefined;
}

export interface Target {
  readonly n: number;
  readonly connection: number;
}

/** A member that was read, and in which rooms. */
export interface Found extends Target {
  readonly room: string;
  readonly fresh: boolean;
}

export interface Disconnect {
  kind: "disconnect";
  pc: string;
  target: Target;
  erase?: readonly string[] | undefined;
  after?: string | undefined;
}

export interface Command {
  kind: "join" | "leave";
  room: string;
  stamp: number;
  pc: string;
  member?: Member | undefined;
  n?: number;
}

export interface Recovery {
  kind: "recovery";
  pc: string;
  connection: number;
  offset: Offset | null;
  step: number;
  at: number;
  retried?: boolean;
  n: number;
  old: number;
  from: Offset | null;
  rooms: Session["rooms"];
  queried?: Stamp;
  found: readonly Note[];
  posted: readonly number[];
  marked: Stamp;
  /** What the log held and nobody had marked: its broadcasters may still come to post it. */
  unmarked: readonly number[];
  seen: readonly Note[];
  again?: true;
  last?: Omit<Offset, "id"> | undefined;
}

/** The first attempt of a call that the SDK has repeated: it still arrives. */
export interface Late {
  kind: "late";
  pc: "arrives";
  of: Exclude<Process, Late>;
}

export type Process = Broadcast | Disconnect | Command | Recovery | Late;

export interface State {
  procs: Record<string, Process>;
  session: Session;
  members: Record<string, Record<string, Member>>;
  log: Record<string, readonly number[]>;
  marks: Stamp;
  done: Stamp;
  pruned: readonly number[];
  readonly divided: readonly number[];
  connections: Record<string, Connection>;
  client: Client;
  flying: readonly { readonly connection: number; readonly frame: Frame }[];
  /** Rooms that the client knows it is in, and packets that are due, or must not come any more. */
  promised: readonly string[];
  due: readonly Note[];
  left: readonly string[];
  barred: readonly Note[];
  /** What may excuse a packet that comes twice, or not. */
  died: readonly (number | string)[];
  doubt: readonly number[];
  hot: Hot | null;
  renewed: boolean;
  wrong: readonly string[];
  /** How often what may go wrong still does. */
  mishaps: Readonly<Record<Mishap, number>>;
}

export interface Hot {
  readonly cut: readonly number[];
  readonly return: readonly number[];
  readonly last: readonly number[];
}

export type Mishap = "cuts" | "deaths" | "pings" | "lost" | "late" | "unanswered" | "prunes";

export const add = <T>(list: readonly T[], item: T): readonly T[] =>
  list.includes(item) ? list : [...list, item].sort();

/** The part of a broadcast that posts to the session: it is in the rest of the room, if there is one. */
export const partFor = ({ divided }: Pick<State, "divided">, id: number): string =>
  `${id}.${divided.includes(id) ? 1 : 0}`;

export const noteOf = (id: number, room: string): Note => `${id}|${room}`;
export const idOf = (note: Note): number => Number(note.split("|")[0]);
export const roomOf = (note: Note): string => note.split("|")[1] ?? "";
