import {
  type Explored,
  explore,
  type Process,
  type Step,
  type View,
  type Work,
} from "./explore.ts";
import { presenceKey, stampOf } from "./keys.ts";
import { type Call, nameOf, read } from "./table.ts";

/** One item for all sockets of a user, with the last stamp of each. */
interface Presence {
  readonly sids?: ReadonlySet<string>;
}

const KEY = presenceKey("a", "u1");

const update = (label: string, sid: string, call: Partial<Call>, stamp?: number): Step => ({
  label,
  call: {
    ...{ action: "update", key: KEY, ...call, names: { "#stamp": `stamp:${sid}` } },
    values: { ":self": new Set([sid]), ...(stamp !== undefined && { ":stamp": stamp }) },
  },
});

const UNLESS_LATER = "attribute_not_exists(#stamp) OR #stamp <= :stamp";

/** First where nobody was online before. */
function* enter(sid: string, at: number): Work {
  const call = {
    update: "ADD sids :self, known :self SET #stamp = :stamp",
    condition: UNLESS_LATER,
  };
  const entered = yield update("enters", sid, { ...call, returns: "ALL_OLD" }, stampOf(at, false));
  if (!entered.ok) return "superseded";
  return (entered.attributes as Presence | undefined)?.sids === undefined ? "first" : "entered";
}

/** Last where nobody is online any more; the item keeps the stamp, as a tombstone would. */
function* exit(sid: string, at: number): Work {
  const call = { update: "DELETE sids :self ADD known :self SET #stamp = :stamp" };
  const options = { ...call, condition: UNLESS_LATER, returns: "ALL_NEW" } as const;
  const left = yield update("exits", sid, options, stampOf(at, true));
  return left.ok && (left.attributes as Presence).sids === undefined ? "last" : "exited";
}

function* forget(sid: string, when: (view: View) => boolean): Work {
  const call = {
    update: "DELETE sids :self, known :self REMOVE #stamp",
    condition: "attribute_exists(#stamp)",
  };
  yield { ...update("is forgotten", sid, call), when };
  const condition = "attribute_exists(pk) AND attribute_not_exists(known)";
  yield { label: "deletes what holds nobody", call: { action: "delete", key: KEY, condition } };
  return "forgotten";
}

const COMMANDS: readonly (readonly [sid: string, work: typeof enter, at: number])[] = [
  ["s1", enter, 5],
  ["s1", exit, 10],
  ["s1", enter, 15],
  ["s2", enter, 7],
  ["s2", exit, 12],
  ["s2", exit, 12],
];

/** Two sockets of one user enter and exit in every order; then both are forgotten. */
export function tryPresence(): Explored {
  const areOver = (view: View) => COMMANDS.every((_, index) => view.isOver(index));
  const processes: readonly Process[] = [
    ...COMMANDS.map(([sid, work, at], index) => ({
      name: `${sid}'s command ${index}`,
      run: () => work(sid, at),
    })),
    ...["s1", "s2"].map((sid) => ({ name: sid, run: () => forget(sid, areOver) })),
  ];
  const isForgetting = (view: View) => [0, 1].some((at) => view.hasBegun(COMMANDS.length + at));
  return explore(
    {},
    processes,
    { deaths: 0, lost: 0, late: 0 },
    {
      always(view) {
        if (!areOver(view) || isForgetting(view)) return undefined;
        const online = [...(read<Presence>(view.items, KEY)?.sids ?? [])];
        const firsts = view.results.filter((result) => result === "first").length;
        if (firsts === 0) return "nobody learned to be the first";
        return online.join() === "s1" ? undefined : `online are ${online}`;
      },
      finally: ({ items }) => (nameOf(KEY) in items ? "a presence that is left behind" : undefined),
    },
  );
}
