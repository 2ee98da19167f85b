import type { Adapter } from "./adapter.ts";
import { createBinaryParts } from "./binary-parts.ts";
import { createConnections } from "./connections.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createRevocations } from "./revocations.ts";
import { createRooms } from "./rooms.ts";
import { createSessions, type RoomLimits } from "./sessions.ts";
import { createSlots } from "./slots.ts";
import type { Table } from "./table.ts";

/** The store in the one table. */
export function createAdapter(
  table: Table,
  limits: RoomLimits & { readonly shards: number },
  now: () => number,
): Adapter {
  const storage = { table, now };
  const sessions = createSessions(storage, limits);
  return {
    connections: createConnections(table, limits.shards),
    sessions,
    rooms: createRooms(storage, sessions),
    binaryParts: createBinaryParts(table),
    slots: createSlots(storage),
    revocations: createRevocations(table),
    rateLimits: createRateLimits(storage),
  };
}
