import { kindOf } from "#server/model/session.ts";
import { EXISTS } from "./connections.ts";
import { noteOf, type Recorded, type RoomLimits, setOf, timeOfStamp } from "./session-item.ts";
import type { Condition } from "./table.ts";

/** Things that a session may have given up within about two minutes, besides those that it had. */
export const CHURN = 100;

/** The condition that no later command has decided. */
export const notNewer = (path: string): string =>
  `(attribute_not_exists(${path}) OR ${path} <= :stamp)`;

type Change = Condition & {
  readonly update: string;
  readonly isRepeatable: true;
  readonly returns: "ALL_NEW" | "ALL_OLD";
};

/** Rooms in the terms of an update: where each stands, in the map of all and in that of its kind where it is limited. */
function termsOf(
  rooms: readonly string[],
  { roomsOfKind = {}, connectionStateRecovery }: RoomLimits,
) {
  const kinds = [...new Set(rooms.map(kindOf))].map((kind, index) => ({
    kind,
    name: `#kind${index}`,
    set: Object.hasOwn(roomsOfKind, kind) ? `#set${index}` : undefined,
    max: roomsOfKind[kind] ?? 0,
  }));
  const entries = rooms.map((room, index) => ({
    room,
    name: `#r${index}`,
    set: kinds.find(({ kind }) => kind === kindOf(room))?.set,
  }));
  return {
    kinds,
    entries,
    names: Object.fromEntries([
      ...entries.map(({ room, name }) => [name, noteOf(room)]),
      ...kinds.map(({ kind, name }) => [name, kind]),
      ...kinds.flatMap(({ kind, set }) => (set === undefined ? [] : [[set, setOf(kind)]])),
    ]) as Record<string, string>,
    paths: entries.flatMap(({ name, set }) => [
      `rooms.${name}`,
      ...(set === undefined ? [] : [`${set}.${name}`]),
    ]),
    released: entries.map(({ name }) => `released.${name}`),
    since: connectionStateRecovery > 0 ? entries.map(({ name }) => `since.${name}`) : [],
  };
}

/**
 * Conditions that no later command has decided, that the session remembers no more than it may, and that what
 * was read of its record, or else that it knows none of the rooms, still holds; with the rooms that are new to it.
 */
function counting(
  entries: ReturnType<typeof termsOf>["entries"],
  known: Recorded | undefined,
): {
  readonly conditions: readonly string[];
  readonly values: Readonly<Record<string, number>>;
  readonly fresh: readonly string[];
} {
  const isIn = (room: string) => known?.roomStamps.has(room) === true;
  const isReleased = (room: string) => known?.released.has(noteOf(room)) === true;
  const fresh = entries.filter(({ room }) => !isIn(room));
  const unknown = fresh.filter(({ room }) => !isReleased(room)).length;
  return {
    conditions: [
      ...(unknown > 0 ? ["size(released) <= :churn"] : []),
      ...entries.flatMap(({ name }) => [notNewer(`rooms.${name}`), notNewer(`released.${name}`)]),
      ...entries
        .filter(({ room }) => isIn(room))
        .map(({ name }) => `attribute_exists(rooms.${name})`),
      ...fresh
        .filter(({ room }) => isReleased(room))
        .map(({ name }) => `attribute_exists(released.${name})`),
    ],
    fresh: fresh.map(({ room }) => room),
    values: unknown > 0 ? { ":churn": CHURN - unknown } : {},
  };
}

/** Notes rooms as those that a session is in. */
export function claimUpdate(
  rooms: readonly string[],
  stamp: number,
  limits: RoomLimits,
  known: Recorded | undefined,
): Change {
  const { kinds, entries, names, paths, released, since } = termsOf(rooms, limits);
  const { conditions, values, fresh } = counting(entries, known);
  const sizes = kinds.flatMap(({ kind, set, max }) =>
    set === undefined
      ? []
      : [[set, max - fresh.filter((room) => kindOf(room) === kind).length] as const],
  );
  const sets = [
    ...paths.map((path) => `${path} = :stamp`),
    ...since.map((path) => `${path} = if_not_exists(${path}, :since)`),
  ];
  return {
    update: `SET ${sets.join(", ")} REMOVE ${released.join(", ")}`,
    condition: [
      `${EXISTS} AND size(rooms) <= :max`,
      ...sizes.map(([set], index) => `size(${set}) <= :max${index}`),
      ...kinds.map(({ name }) => notNewer(`kinds.${name}`)),
      ...conditions,
    ].join(" AND "),
    names,
    values: {
      ...{ ":stamp": stamp, ":max": limits.roomsPerSocket - fresh.length },
      ...(since.length > 0 && { ":since": timeOfStamp(stamp) }),
      ...values,
      ...Object.fromEntries(sizes.map(([, max], index) => [`:max${index}`, max])),
    },
    ...{ returns: "ALL_NEW", isRepeatable: true },
  };
}

/** Notes rooms as those that a session has left, and gives what was noted before. */
export function releaseUpdate(
  rooms: readonly string[],
  stamp: number,
  limits: RoomLimits,
  known: Recorded | undefined,
): Change {
  const { kinds, entries, names, paths, released, since } = termsOf(rooms, limits);
  const { conditions, values } = counting(entries, known);
  const used = Object.entries(names).filter(([name]) => !kinds.some((kind) => kind.name === name));
  return {
    update: `SET ${released.map((path) => `${path} = :stamp`).join(", ")} REMOVE ${[...paths, ...since].join(", ")}`,
    condition: [EXISTS, ...conditions].join(" AND "),
    names: Object.fromEntries(used),
    values: { ":stamp": stamp, ...values },
    ...{ returns: "ALL_OLD", isRepeatable: true },
  };
}
