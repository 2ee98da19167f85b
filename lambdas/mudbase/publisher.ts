import { createPublish, type Publish } from "#server/events/publish.ts";
import { createSockets, type SocketsParts } from "#server/sockets.ts";
import { createOnce } from "#server/store/idempotency.ts";
import { createRevocations } from "#server/store/revocations.ts";
import { createMatching } from "./matching.ts";

/** Milliseconds for which an entry's id is remembered. */
const MEMORY = 600_000;

/** Wires the stores and the gateway to what other back ends publish. */
export function createPublisher(parts: SocketsParts): Publish {
  const { table, now, telemetry } = parts;
  const sockets = createSockets({ ...parts, createMatching });
  return createPublish({
    stores: sockets,
    rooms: sockets.rooms,
    revocations: createRevocations(table),
    once: createOnce({ table, now, memory: MEMORY }),
    newOutbox: sockets.newOutbox,
    send: (emissions, ready) => sockets.sendOrLog(emissions, { ready }),
    now,
    count: telemetry.count,
  });
}
