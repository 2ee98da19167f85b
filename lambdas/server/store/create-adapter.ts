import type { Adapter } from "./adapter.ts";
import { createBinaryParts } from "./binary-parts.ts";
import type { RoomLimits } from "./connection-item.ts";
import { createConnections } from "./connections.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createRevocations } from "./revocations.ts";
import { createRooms } from "./rooms.ts";
import { createSlots } from "./slots.ts";
import type { Table } from "./table.ts";

/** The store in the one table. */
export function createAdapter(table: Table, limits: RoomLimits, now: () => number): Adapter {
  const connections = createConnections(table, limits);
  return {
    connections,
    rooms: createRooms({ table, now }, connections),
    binaryParts: createBinaryParts(table),
    slots: createSlots({ table, now }),
    revocations: createRevocations(table),
    rateLimits: createRateLimits({ table, now }),
  };
}
