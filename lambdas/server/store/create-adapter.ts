import { createAcknowledgements } from "./acknowledgements.ts";
import type { Adapter } from "./adapter.ts";
import { createBinaryParts } from "./binary-parts.ts";
import { createConnections } from "./connections.ts";
import { createLedger } from "./ledger.ts";
import type { Forget } from "./ledger-purge.ts";
import { createLog } from "./log.ts";
import { createQueues } from "./queues.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createRevocations } from "./revocations.ts";
import { createRooms } from "./rooms.ts";
import { memberKeys, type RoomLimits, removeStamped } from "./session-item.ts";
import { createSessions } from "./sessions.ts";
import { createSlots } from "./slots.ts";
import type { Table } from "./table.ts";
import { createUpgrades } from "./upgrades.ts";
import { createWaits } from "./waits.ts";

/** The store in the one table; `forget` does for an application's items what the ledger does for members. */
export function createAdapter(
  table: Table,
  limits: RoomLimits & { readonly shards: number; readonly retention: number },
  now: () => number,
  forget: Forget,
): Adapter {
  const storage = { table, now };
  const ledger = createLedger(storage, limits, async (session, released, upTo) => {
    const { connectedAt, epochs } = session;
    const replaced = [...epochs.keys()].filter((epoch) => epoch < connectedAt);
    await Promise.all([
      removeStamped(table, memberKeys(session, released.rooms, [connectedAt]), upTo),
      // Whatever is listed under these is of no use.
      table.writeAll([], memberKeys(session, released.rooms, replaced)),
      forget(session, released, upTo),
    ]);
  });
  return {
    ledger,
    connections: createConnections(table, limits.shards),
    sessions: createSessions(storage, limits),
    rooms: createRooms(storage, ledger),
    acknowledgements: createAcknowledgements(storage),
    log: createLog(storage, limits.retention),
    queues: createQueues(storage, limits.shards),
    upgrades: createUpgrades(table, limits.shards),
    waits: createWaits(storage),
    binaryParts: createBinaryParts(table),
    slots: createSlots(storage),
    revocations: createRevocations(table),
    rateLimits: createRateLimits(storage),
  };
}
