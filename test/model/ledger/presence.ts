import {
  type Explored,
  explore,
  type Mishaps,
  type Process,
  type Step,
  type View,
  type Work,
} from "./explore.ts";
import { presenceKey, stampOf } from "./keys.ts";
import { type Answer, type Call, type Key, nameOf, read, textOf } from "./table.ts";

/** One item for all sockets of a user, with the last stamp of each. */
interface Presence {
  readonly sids?: ReadonlySet<string>;
  readonly known?: ReadonlySet<string>;
  readonly announcing?: ReadonlySet<string>;
  readonly [stamp: `stamp:${string}`]: number;
}

/** What others have heard of the user. */
interface Heard {
  readonly status: "online" | "offline";
  readonly times: number;
}

/**
 * Commands with their socket, and the time at which they were received: `Ea5` enters, `Xa10` exits; `Da` is the end of
 * `a`, which the sweep repeats once all is over. Each socket waits for its earlier command, as a client does.
 */
export interface PresenceScenario extends Partial<Mishaps> {
  readonly commands: string;
  /** The sockets that are online, as others know. */
  readonly online?: string;
  /** How often others hear of the user; any number of times if absent. */
  readonly heard?: number;
  /** Commands of one socket come at once. */
  readonly isImpatient?: boolean;
}

/** A rule that a test may leave out, to see what it is for. */
export type Rule = "mark" | "own" | "confirmed" | "stamp" | "first end" | "kept";
type Without = readonly Rule[];

type Part<Result> = Generator<Step, Result, Answer>;

const KEY = presenceKey("a", "u1");
const HEARD: Key = { pk: "heard", sk: "u1" };
const GONE = Number.MAX_SAFE_INTEGER;
const MAX_ROUNDS = 5;

const NOT_NEWER = "attribute_not_exists(#stamp) OR #stamp <= :stamp";

/** A call about a socket: names and values are those that its expressions mention. */
function about(label: string, sid: string, call: Partial<Call>, stamp = 0): Step {
  const text = `${call.update} ${call.condition}`;
  const all = { ":self": new Set([sid]), ":stamp": stamp };
  const values = Object.entries(all).filter(([name]) => text.includes(name));
  return {
    label,
    call: {
      ...{ action: "update", key: KEY, ...call },
      ...(text.includes("#stamp") && { names: { "#stamp": `stamp:${sid}` } }),
      ...(values.length > 0 && { values: Object.fromEntries(values) }),
    },
  };
}

function readBefore({ attributes }: Answer, sid: string) {
  const { sids = new Set(), announcing, ...rest } = (attributes ?? {}) as Presence;
  return {
    isIn: sids.has(sid),
    areOthersIn: [...sids].some((other) => other !== sid),
    isAnnouncing: announcing?.has(sid) === true,
    wasGone: rest[`stamp:${sid}`] === GONE,
  };
}

const marking = (without: Without) => (without.includes("mark") ? "" : ", announcing :self");
const notNewer = (without: Without) => (without.includes("stamp") ? {} : { condition: NOT_NEWER });

function* enter(sid: string, at: number, without: Without): Work {
  const call = {
    update: `ADD sids :self, known :self${marking(without)} SET #stamp = :stamp`,
    ...notNewer(without),
  };
  const stamp = stampOf(at, false);
  const old = yield about("enters", sid, { ...call, returns: "ALL_OLD" }, stamp);
  if (!old.ok) return "superseded";
  const { isIn, areOthersIn, isAnnouncing } = readBefore(old, sid);
  if (isAnnouncing || !(isIn || areOthersIn)) return yield* announce(sid, true, false, without);
  yield* unmark(sid, "attribute_exists(known)", without);
  return "entered";
}

function* exit(sid: string, at: number, without: Without): Work {
  const before = yield takeOut(sid, stampOf(at, true), notNewer(without), without);
  if (!before.ok) return "superseded";
  const { isIn, areOthersIn, isAnnouncing } = readBefore(before, sid);
  if (isAnnouncing || (isIn && !areOthersIn))
    return yield* announce(sid, areOthersIn, false, without);
  yield* unmark(sid, "attribute_exists(known)", without);
  return "exited";
}

function* end(sid: string, without: Without): Work {
  const before = yield takeOut(sid, GONE, { condition: "attribute_exists(#stamp)" }, without);
  if (!before.ok) return "unknown";
  const { isIn, areOthersIn, isAnnouncing, wasGone } = readBefore(before, sid);
  if (isIn && !areOthersIn) return yield* announce(sid, false, true, without);
  if (isAnnouncing && !wasGone && !without.includes("first end")) return "left to the repeat";
  if (isAnnouncing) return yield* announce(sid, areOthersIn, true, without);
  yield* forget(sid, "attribute_exists(#stamp)");
  return "forgotten";
}

function takeOut(sid: string, stamp: number, condition: Partial<Call>, without: Without): Step {
  const update =
    without.includes("kept") && stamp === GONE
      ? "DELETE sids :self, known :self, announcing :self REMOVE #stamp"
      : `DELETE sids :self ADD known :self${marking(without)} SET #stamp = :stamp`;
  return about("exits", sid, { update, ...condition, returns: "ALL_OLD" }, stamp);
}

function* announce(sid: string, isOnline: boolean, isGone: boolean, without: Without): Work {
  let status = isOnline;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    yield tell(status ? "online" : "offline");
    if (yield* confirm(sid, status, isGone, without)) return "announced";
    status = !status;
  }
  return "given up";
}

const tell = (status: Heard["status"]): Step => ({
  label: `tells that it is ${status}`,
  call: {
    ...{ action: "update", key: HEARD, update: "SET #status = :status ADD times :one" },
    ...{ names: { "#status": "status" }, values: { ":status": status, ":one": 1 } },
  },
});

function* confirm(
  sid: string,
  isOnline: boolean,
  isGone: boolean,
  without: Without,
): Part<boolean> {
  const done = isGone ? forget : unmark;
  if (without.includes("confirmed")) {
    yield* done(sid, "attribute_exists(known)", without);
    return true;
  }
  if (isOnline) return yield* done(sid, "attribute_exists(sids)", without);
  const condition = "attribute_not_exists(sids) AND attribute_exists(known)";
  if (yield* done(sid, condition, without)) return true;
  const { attributes } = yield { label: "looks", call: { action: "get", key: KEY } };
  return (attributes as Presence | undefined)?.sids === undefined;
}

function* unmark(sid: string, condition: string, without: Without): Part<boolean> {
  const update = without.includes("own") ? "REMOVE announcing" : "DELETE announcing :self";
  const left = yield about("has announced", sid, { update, condition, returns: "ALL_NEW" });
  if (left.ok && readBefore(left, sid).wasGone) yield* forget(sid, "attribute_exists(#stamp)");
  return left.ok;
}

function* forget(sid: string, condition: string): Part<boolean> {
  const withAll = about("is forgotten with all", sid, {
    ...{ action: "delete", condition: `known = :self AND ${condition}` },
  });
  if ((yield withAll).ok) return true;
  const alone = about("is forgotten", sid, {
    update: "DELETE sids :self, known :self, announcing :self REMOVE #stamp",
    condition: `known <> :self AND ${condition}`,
  });
  return (yield alone).ok || (yield withAll).ok;
}

interface Command {
  readonly text: string;
  readonly sid: string;
  readonly run: () => Work;
}

function commandOf(text: string, without: Without): Command {
  const [, kind = "", sid = "", at] = /^([EXD])([a-z])(\d*)$/.exec(text) ?? [];
  const works: Readonly<Record<string, () => Work>> = {
    E: () => enter(sid, Number(at), without),
    X: () => exit(sid, Number(at), without),
    D: () => end(sid, without),
  };
  const run = works[kind];
  if (run === undefined) throw new Error(`Nothing is called ${text}`);
  return { text, sid, run };
}

/** The first call of some work waits. */
function* waiting(work: Work, when: (view: View) => boolean): Work {
  let turn = work.next();
  for (let isFirst = true; !turn.done; isFirst = false)
    turn = work.next(yield isFirst ? { ...turn.value, when } : turn.value);
  return turn.value;
}

/** Tries every order of a scenario, until something is wrong. */
export function tryPresence(scenario: PresenceScenario, without: Without = []): Explored {
  const commands = scenario.commands.split(" ").map((text) => commandOf(text, without));
  const ended = commands.filter(({ text }) => text.startsWith("D"));
  const areOver = (view: View) => !view.isLate && commands.every((_, index) => view.isOver(index));
  const isNext = (at: number) => (view: View) =>
    scenario.isImpatient ||
    commands
      .slice(0, at)
      .every(({ sid }, index) => sid !== commands[at]?.sid || view.isOver(index));
  const processes: readonly Process[] = [
    ...commands.map(({ text, run }, index) => ({
      ...{ name: text, isMortal: true },
      run: () => waiting(run(), isNext(index)),
    })),
    ...ended.map(({ text, run }) => ({
      name: `${text} again`,
      run: () => waiting(run(), areOver),
    })),
  ];
  const { deaths = 0, lost = 0, late = 0 } = scenario;
  const mishaps = { deaths, lost, late };
  return explore(itemsOf(scenario), processes, mishaps, {
    finally: (view) => wrongIn(view, scenario),
  });
}

function itemsOf({ online = "" }: PresenceScenario) {
  const status = online === "" ? "offline" : "online";
  const heard = { [nameOf(HEARD)]: textOf({ ...HEARD, status, times: 0 }) };
  if (online === "") return heard;
  const sids = new Set(online);
  const stamps = Object.fromEntries([...online].map((sid) => [`stamp:${sid}`, stampOf(1, false)]));
  return { ...heard, [nameOf(KEY)]: textOf({ ...KEY, sids, known: sids, ...stamps }) };
}

/** What is wrong in the end: others believe what is so, unless somebody is noted who repeats it. */
function wrongIn(
  { items }: View,
  { commands, online = "", heard }: PresenceScenario,
): string | undefined {
  const item = read<Presence>(items, KEY);
  const { status, times } = read<Heard>(items, HEARD) ?? { status: "offline", times: 0 };
  const sockets = new Set([...online, ...commands.replace(/[^a-z]/g, "")]);
  const isEnded = (sid: string) => commands.includes(`D${sid}`);
  const pending = [...(item?.announcing ?? [])];
  const [left] = [...(item?.known ?? []), ...pending].filter(isEnded);
  if (left !== undefined) return `a socket that has ended and is left behind: ${left}`;
  const isOnline = item?.sids !== undefined;
  if (pending.length === 0 && (status === "online") !== isOnline)
    return `others believe that it is ${status}`;
  if (item !== undefined && [...sockets].every(isEnded)) return "a presence that is left behind";
  const last = lastWord(commands, online);
  const sids = [...(item?.sids ?? [])].sort().join("");
  if (last !== sids) return `online are ${sids || "none"}, not ${last || "none"}`;
  return heard !== undefined && times !== heard ? `others heard of it ${times} times` : undefined;
}

/** The sockets that are online where the command received last decides. */
function lastWord(commands: string, online: string): string {
  const said = commands.split(" ").map((text) => ({
    ...{ kind: text[0], sid: text[1] ?? "" },
    stamp: text[0] === "D" ? GONE : stampOf(Number(text.slice(2)), text[0] === "X"),
  }));
  const isIn = (sid: string) => {
    const [last] = said.filter((one) => one.sid === sid).toSorted((a, b) => b.stamp - a.stamp);
    return last === undefined ? online.includes(sid) : last.kind === "E";
  };
  const sids = new Set([...online, ...said.map(({ sid }) => sid)]);
  return [...sids].filter(isIn).sort().join("");
}
