import type { Connection } from "#server/model/session.ts";
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
