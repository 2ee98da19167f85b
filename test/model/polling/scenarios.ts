import { queueKey } from "../../../lambdas/server/store/keys.ts";
import { nameOf, read, textOf } from "../ledger/table.ts";
import type { Options } from "./client.ts";
import {
  type Checks,
  type Explored,
  explore,
  type Mishaps,
  type Process,
  type View,
} from "./explore.ts";
import { newNet } from "./net.ts";
import type { Part } from "./parts.ts";
import {
  broadcaster,
  client,
  end,
  givesUp,
  network,
  OWNER,
  prober,
  server,
  sweep,
  upgrader,
} from "./processes.ts";
import { type Walked, walk } from "./walk.ts";

const KEY = queueKey(OWNER);

/** The queue of a client that has not asked yet. */
export const QUEUE = {
  ...KEY,
  ...{ state: "polling", packets: [], size: 0, ids: {}, sent: [], sentIds: {}, pollAt: -1 },
};

/** Packets, the letters of a word, that one broadcaster after another sends while a client polls and upgrades. */
export interface Scenario extends Partial<Mishaps> {
  readonly broadcasts: string;
  readonly gets?: number;
  /** GETs that are repeated on their way. */
  readonly repeated?: readonly number[];
  /** Looks of a GET that waits. */
  readonly checks?: number;
  readonly upgrades?: boolean;
  /** `5` is handled twice. */
  readonly twice?: boolean;
  readonly givesUp?: boolean;
  readonly isClosed?: boolean;
  readonly isCut?: boolean;
  readonly options?: Pick<Options, "maxPackets" | "maxBytes" | "maxSent">;
  /** Milliseconds since the last GET, or since the flush began, when the broadcasts begin. */
  readonly silence?: number;
}

interface QueueItem {
  readonly state: string;
  readonly packets?: readonly string[];
  readonly sent?: readonly string[];
  readonly size?: number;
}

/** The world of a scenario, who is at work in it, and what may go wrong. */
function begin(scenario: Scenario, without: readonly Part[]) {
  const { deaths = 0, lost = 0, late = 0 } = scenario;
  const items = { [nameOf(KEY)]: textOf(QUEUE) };
  return {
    world: { items, net: newNet() },
    processes: processesOf(scenario, { ...scenario.options, without }),
    mishaps: { deaths, lost, late },
    checks: checksOf(scenario),
  };
}

/** Tries every order of a scenario, until something is wrong. */
export async function tryAll(scenario: Scenario, without: readonly Part[] = []): Promise<Tried> {
  const { world, processes, mishaps, checks } = begin(scenario, without);
  const whole = wordsOf(scenario).join("").length;
  let isWhole = false;
  const explored = await explore(world, processes, mishaps, {
    ...checks,
    always(view) {
      isWhole ||= view.net.client.received.length === whole;
      return checks.always(view);
    },
  });
  return { ...explored, isWhole };
}

/** Tries one random order of a scenario, over a database. */
export function tryOne(
  scenario: Scenario,
  over: Parameters<typeof walk>[4],
  without: readonly Part[] = [],
): Promise<Walked> {
  const { world, processes, mishaps, checks } = begin(scenario, without);
  return walk(world, processes, mishaps, checks, over);
}

/** What came of it; `isWhole` where the client got everything in some order. */
type Tried = Explored & { readonly isWhole: boolean };

const wordsOf = ({ broadcasts }: Scenario): readonly string[] =>
  broadcasts.split(" ").filter((word) => word !== "");

function processesOf(scenario: Scenario, options: Options): readonly Process[] {
  const { gets = 0, repeated = [], checks = 1, silence = 0 } = scenario;
  const words = wordsOf(scenario);
  const isTimed = Boolean(scenario.lost || scenario.late);
  const turns = Array.from({ length: gets }, (_, index) => index + 1);
  const all = [
    ...words.map((word) => broadcaster(word, [...word], { ...options, silence, isTimed })),
    ...(gets > 0 ? [client(gets)] : []),
    ...turns.flatMap((turn) => {
      const first = server(turn, 1, { ...options, checks });
      const again = server(turn, 2, { ...options, checks });
      return repeated.includes(turn) ? [first, again] : [{ ...first, isMortal: false }];
    }),
    ...(scenario.givesUp ? [givesUp(options)] : []),
    ...(scenario.isClosed ? [end(options)] : []),
    ...(scenario.isCut ? [network()] : []),
  ];
  if (!scenario.upgrades) return all;
  const upgraders = ["5", ...(scenario.twice ? ["5 again"] : [])].map((name) =>
    upgrader(name, options),
  );
  const from = all.length + 1;
  const areOver = upgraders.map((_, index) => from + index);
  const isLeft =
    (state: string) =>
    ({ items, isOver }: View) =>
      read<QueueItem>(items, KEY)?.state === state && areOver.every(isOver);
  return [
    ...all,
    prober(options),
    ...upgraders,
    // Once a flusher has died, whoever finds it ends what it has left.
    ...(scenario.deaths ? [end(options, isLeft("flushing")), sweep(isLeft("closed"))] : []),
  ];
}

function checksOf(scenario: Scenario): Checks {
  const words = wordsOf(scenario);
  const { maxPackets = 256, maxBytes = 163_840 } = scenario.options ?? {};
  return {
    always({ net: { client, gets }, items }) {
      const { received, wrong } = client;
      if (wrong !== undefined) return wrong;
      if (new Set(received).size < received.length) return `twice: ${received}`;
      for (const word of words) {
        const own = received.filter((packet) => word.includes(packet)).join("");
        if (!word.startsWith(own)) return `a gap, or no order: ${received}`;
      }
      const { state, packets = [], size = 0 } = read<QueueItem>(items, KEY) ?? { state: "" };
      const isRefused = Object.values(gets).some((get) => get.isRefused && get.isReceived);
      if (isRefused && state !== "upgraded" && state !== "closed" && packets.length > 0)
        return `a GET is refused what waits: ${packets}`;
      // The last one of all has room.
      const isFull = state !== "closing" && (packets.length > maxPackets || size > maxBytes);
      return isFull ? `more waits than may: ${packets}` : undefined;
    },
    finally({ net: { client, gets, isRefused }, items }) {
      const { state, packets = [], sent = [] } = read<QueueItem>(items, KEY) ?? { state: "" };
      if (!client.isAlive) return undefined;
      if (state === "flushing") return "nobody flushes";
      if (state === "upgraded" && packets.length > 0) return "stranded in an upgraded queue";
      if (state === "closed") return "a client that lives, and is closed";
      const isWaiting = Object.values(gets).some((get) => !get.isReceived);
      const here = [...client.received, ...packets, ...(isWaiting ? sent : [])];
      const missing = [...words.join("")].filter((packet) => !here.includes(packet));
      return missing.length > 0 && !isRefused && state !== "closing"
        ? `lost: ${missing}`
        : undefined;
    },
  };
}
