import type { Limits } from "./calls.ts";
import {
  type Checks,
  type Explored,
  explore,
  type Mishaps,
  type Process,
  type View,
} from "./explore.ts";
import { type LedgerRecord, memberKey, newRecord, queryKey, recordKey, stampOf } from "./keys.ts";
import { subscribe } from "./queries.ts";
import { claim, release } from "./rooms.ts";
import { cleanUp, detach, end, purge, recover } from "./sessions.ts";
import { nameOf, read, textOf } from "./table.ts";

const SID = "s1";

/**
 * Commands with the time at which they were received: `J5` joins room `a` (`Jb5` room `b`), `L10`
 * leaves it, `Q5x` subscribes the query `q` at collection `x`. Besides, `detach1` detaches the session from
 * the connection made at 1, `return20` recovers it on one made at 20; `disconnect1`, `end`, `cleanup`
 * and `purge10` (what was released up to 10).
 */
export interface Scenario extends Partial<Mishaps> {
  readonly commands: string;
  readonly besides?: string;
  readonly limits?: Limits;
  /** Cleanup and purge do not wait for what is under way. */
  readonly isImpatient?: boolean;
}

interface Command {
  readonly text: string;
  readonly kind: string;
  readonly room: string;
  readonly at: number;
  readonly collection: string;
}

function commandOf(text: string): Command {
  const [, kind = "", room, at, collection = ""] =
    /^([JLQ])([a-z]?)(\d+)([a-z]?)$/.exec(text) ?? [];
  return { text, kind, room: room || "a", at: Number(at), collection };
}

const nameOfConnection = (n: number) => `c${n}`;

function processOf({ text, kind, room, at, collection }: Command, limits: Limits): Process {
  return {
    name: text,
    isMortal: true,
    run: () => {
      if (kind === "J") return claim(SID, room, at, limits);
      return kind === "L"
        ? release(SID, room, at, limits)
        : subscribe(SID, "q", collection, at, limits);
    },
  };
}

/** A process besides the commands; `isQuiet` says whether all that has begun is over. */
function besideOf(
  text: string,
  limits: Limits,
  isQuiet: (view: View) => boolean,
  hasEnded: (view: View) => boolean,
): Process {
  const [, kind = "", number] = /^([a-z]+)(\d*)$/.exec(text) ?? [];
  const n = Number(number);
  const c = nameOfConnection(n);
  const when = (view: View) => isQuiet(view) && hasEnded(view);
  const works: Readonly<Record<string, Process["run"]>> = {
    detach: () => detach(SID, c, limits),
    return: () => recover(SID, c, n, limits),
    disconnect: () => end(SID, limits, c),
    end: () => end(SID, limits),
    cleanup: () => cleanUp(SID, limits, when),
    purge: () => purge(SID, stampOf(n, true), limits, isQuiet),
  };
  const run = works[kind];
  if (run === undefined) throw new Error(`Nothing is called ${text}`);
  return { name: text, run, isMortal: kind !== "cleanup" };
}

/** Tries every order of a scenario, until something is wrong. */
export function tryAll(scenario: Scenario, without: Limits["without"] = []): Explored {
  const limits = { ...scenario.limits, without };
  const commands = scenario.commands.split(" ").map(commandOf);
  const besides = scenario.besides?.split(" ") ?? [];
  const count = commands.length + besides.length;
  const endAt = commands.length + besides.findIndex((each) => /^(end|disconnect)/.test(each));
  const waiting = besides.map((each) => /^(cleanup|purge)/.test(each));
  const isQuiet = (view: View) =>
    scenario.isImpatient ||
    (!view.isLate &&
      Array.from({ length: count }, (_, index) => index).every(
        (index) => waiting[index - commands.length] || !view.hasBegun(index) || view.isOver(index),
      ));
  // Commands up to a purge's time have been received by then.
  const upTo = (text: string) => (view: View) =>
    isQuiet(view) &&
    (scenario.isImpatient ||
      commands.every(
        ({ at }, index) => at > Number(text.replace(/\D+/, "")) || view.isOver(index),
      ));
  const processes = [
    ...commands.map((command) => processOf(command, limits)),
    ...besides.map((text) =>
      besideOf(text, limits, text.startsWith("purge") ? upTo(text) : isQuiet, (view) =>
        view.isOver(endAt),
      ),
    ),
  ];
  const record = newRecord(SID, nameOfConnection(1), 1);
  const { deaths = 0, lost = 0, late = 0 } = scenario;
  const checks = checksOf(scenario, commands, limits);
  return explore({ [nameOf(record)]: textOf(record) }, processes, { deaths, lost, late }, checks);
}

const recordIn = ({ items }: View) => read<LedgerRecord>(items, recordKey(SID));

interface Item {
  readonly stamp: number;
  readonly released?: boolean;
  readonly address?: string;
}

function checksOf(scenario: Scenario, commands: readonly Command[], limits: Limits): Checks {
  const { max = 200, churn = 100 } = limits;
  return {
    always(view) {
      const { rooms = {}, released = {} } = recordIn(view) ?? {};
      const counts = [Object.keys(rooms).length, Object.keys(released).length] as const;
      if (counts[0] > max) return "more rooms than there may be";
      return counts[0] + counts[1] > max + churn ? "a record that grows with the past" : undefined;
    },
    finally(view) {
      const record = recordIn(view);
      const isClean = scenario.besides?.includes("cleanup") && record?.state !== "connected";
      const [left] = isClean ? Object.keys(view.items) : [];
      if (left !== undefined) return `left behind: ${left}`;
      if (record === undefined || record.state === "ended") return undefined;
      const wrong = wrongConnection(view, record, scenario.besides ?? "");
      if (wrong !== undefined) return wrong;
      const rooms = [
        ...new Set(commands.filter(({ kind }) => kind !== "Q").map(({ room }) => room)),
      ];
      return (
        rooms.map((room) => wrongRoom(view, record, room, commands)).find(Boolean) ??
        wrongQuery(view, record, commands)
      );
    },
  };
}

/** What is wrong with the connection that has the session in the end. */
function wrongConnection(
  { deaths }: View,
  { state, n }: LedgerRecord,
  besides: string,
): string | undefined {
  const returns = [...besides.matchAll(/return(\d+)/g)].map(([, made]) => Number(made));
  if (n < Math.max(...returns)) return "a session whose connection is not the newest";
  if (state === "detached" && !besides.includes(`detach${n}`))
    return "a session that is detached from a connection it has";
  return state === "recovering" && deaths === 0 ? "a recovery that has stopped" : undefined;
}

const REFUSED = ["full", "churn", "busy"];

/** What is wrong with a room in the end: the command that was received last decides. */
function wrongRoom(
  view: View,
  record: LedgerRecord,
  room: string,
  commands: readonly Command[],
): string | undefined {
  const stamps = commands.flatMap(({ kind, at, room: own }, index) => {
    const isServed = kind !== "Q" && own === room && !REFUSED.includes(view.results[index] ?? "");
    return isServed ? [stampOf(at, kind === "L")] : [];
  });
  const last = Math.max(...stamps);
  const isIn = last % 2 === 0;
  const noted = record.rooms[room];
  if (isIn && noted?.stamp !== last) return "a room in which the session is, and not by its record";
  if (!isIn && noted !== undefined) return "a room that was left, and not by the record";
  if (record.state !== "connected" || view.deaths > 0) return undefined;
  const item = read<Item>(view.items, memberKey(room, SID, record.n));
  const isListed = item !== undefined && !item.released;
  if (isIn && !(isListed && item.stamp === last))
    return "a room in which the session is not listed";
  if (isIn && item?.address !== record.connection) return "a member with an old address";
  return !isIn && isListed ? "a room that was left, and still lists the session" : undefined;
}

/** What is wrong with the query in the end: it is in the collection that was received last, and only there. */
function wrongQuery(
  view: View,
  record: LedgerRecord,
  commands: readonly Command[],
): string | undefined {
  const queries = commands.filter(({ kind }) => kind === "Q");
  const [last] = queries.toSorted((a, b) => b.at - a.at || (a.collection < b.collection ? 1 : -1));
  if (last === undefined || view.deaths > 0) return undefined;
  if (record.queries.q?.collection !== last.collection)
    return "a query at another collection, by the record";
  if (record.state !== "connected") return undefined;
  const collections = [...new Set(queries.map(({ collection }) => collection))].filter(
    (collection) => {
      const item = read<Item>(view.items, queryKey(collection, SID, record.n, "q"));
      return item && !item.released && item.address === record.connection;
    },
  );
  return collections.join() === last.collection
    ? undefined
    : "a query that is not listed where it is";
}
