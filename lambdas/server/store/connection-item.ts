import type { Connection } from "#server/model/session.ts";
import type { Connections } from "./adapter.ts";
import { type Key, socketOf } from "./keys.ts";
import type { Item } from "./table.ts";

/** The connection that an item is of. */
export function connectionOf(item: Item | undefined): Connection | undefined {
  if (item === undefined) return undefined;
  const { rooms, left, claims, previousClaims, pk, sk, ...stored } = item as unknown as Stored;
  return {
    ...{ parts: [], partChanges: 0, namespaces: {}, lastSeenAt: stored.connectedAt },
    ...stored,
    ...socketOf({ pk, sk }),
    rooms: [...(rooms ?? [])],
    left: [...(left ?? [])],
    claims: withoutNotes(claims),
    previousClaims: withoutNotes(previousClaims),
  };
}

/** How a key is noted: as it is, one like `__proto__` would be lost in an object. */
export const noteOf = (key: string): string => `=${key}`;

const withoutNotes = (claims: Connection["claims"]): Connection["claims"] =>
  Object.fromEntries(Object.entries(claims).map(([note, value]) => [note.slice(1), value]));

type Stored = Key &
  Omit<Connection, "connectionId" | "nsp" | "rooms" | "left"> & {
    readonly rooms?: ReadonlySet<string>;
    readonly left?: ReadonlySet<string>;
  };

export const EXISTS = "attribute_exists(pk) AND attribute_not_exists(endedAt)";
export const IN_SESSION = `${EXISTS} AND attribute_exists(#session)`;
export const SESSION = { "#session": "session" };

/** The set in which a connection counts its rooms of a kind that is limited. */
export const setOf = (kind: string): string => `rooms of ${kind}`;

/** How many rooms one socket may be in, how many of some kinds, and the shards of the sweep. */
export interface RoomLimits {
  readonly roomsPerSocket: number;
  /** By the kind of a room; those of other kinds only count among all. */
  readonly roomsOfKind?: Readonly<Record<string, number>>;
  readonly shards: number;
  /** Whether a connection may have sockets in several namespaces. */
  readonly hasNamespaces?: boolean;
}

/** Some of what connections do. */
export type Part<Name extends keyof Connections> = Pick<Connections, Name>;
