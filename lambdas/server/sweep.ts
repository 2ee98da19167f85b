import pMap from "p-map";
import { pingFrame } from "#server/engine/frames.ts";
import type { Gateway } from "#server/gateway/connections.ts";
import type { Invoke } from "#server/gateway/invocation.ts";
import type { Connection } from "#server/model/connection.ts";
import { MAX_RUN } from "#server/model/limits.ts";
import { isPresenceRoom } from "#server/model/room.ts";
import type { Telemetry } from "#server/model/telemetry.ts";
import { CONNECT_TIMEOUT } from "#server/socket/protocol.ts";
import type { Sockets } from "./sockets.ts";

/** Connections visited at the same time. */
const VISITS_AT_ONCE = 50;

const MINUTE = 60_000;

/** Milliseconds by which the scheduler may call late. */
const SCHEDULE_DELAY = MINUTE;

export interface SweepParts {
  readonly sockets: Sockets;
  readonly gateway: Gateway;
  readonly invokeSelf: Invoke;
  readonly shards: number;
  /** Milliseconds between two pings, as promised in the OPEN packet. */
  readonly pingInterval: number;
  readonly now: () => number;
  readonly telemetry: Telemetry;
}

/** A part of the connections, as one function sweeps it; `from` is where another has stopped. */
export interface Slice {
  readonly shard: number;
  readonly from?: string | undefined;
}

/** Pings connections, ends dead ones, and repairs what a crash has left of others. */
export interface Sweep {
  /** Called for every minute: has each shard that is due then swept by an invocation of its own. */
  beat(scheduledTime: number): Promise<void>;
  /** Sweeps a page of a shard, and hands what comes after it on first. */
  sweep(slice: Slice): Promise<void>;
}

/** The sweep of a deployment's connections. */
export function createSweep(parts: SweepParts): Sweep {
  const { sockets, gateway, invokeSelf, shards, pingInterval, now, telemetry } = parts;
  const ping = pingFrame();
  const minutes = Math.max(1, Math.floor(pingInterval / MINUTE));
  // Two rounds without a pong, the second of which may be late.
  const longestSilence = 2 * minutes * MINUTE + SCHEDULE_DELAY + MAX_RUN;

  return {
    async beat(scheduledTime) {
      const turn = Math.floor(scheduledTime / MINUTE) % minutes;
      const due = Array.from({ length: shards }, (_, shard) => shard).filter(
        (shard) => shard % minutes === turn,
      );
      await Promise.all(due.map((shard) => invokeSelf({ shard })));
    },

    async sweep({ shard, from }) {
      const { connections, next } = await sockets.connections.inShard(shard, from);
      if (next !== undefined) await invokeSelf({ shard, from: next });
      await pMap(connections, visitSafely, { concurrency: VISITS_AT_ONCE });
    },
  };

  /** One connection that fails must not keep the others from their ping. */
  async function visitSafely(connection: Connection): Promise<void> {
    try {
      await visit(connection);
    } catch (error) {
      const { connectionId } = connection;
      telemetry.count("SweepFailures");
      telemetry.fail("a connection could not be swept", error, { connectionId });
    }
  }

  async function visit(connection: Connection): Promise<void> {
    const { connectionId, session, endedAt } = connection;
    if (endedAt !== undefined) return finish(connection, endedAt);
    if (session === undefined && now() - connection.connectedAt > CONNECT_TIMEOUT)
      return reap(connectionId, "no CONNECT came");
    if (session !== undefined && session.identity.expiresAt * 1000 <= now())
      return sockets.expire(connectionId);
    if (now() - connection.lastSeenAt > longestSilence) return reap(connectionId, "no pong came");
    telemetry.count("Pinged");
    if ((await gateway.post(connectionId, ping)) === "gone")
      return sockets.disconnect(connectionId);
    await tidy(connection);
  }

  async function reap(connectionId: string, reason: string): Promise<void> {
    telemetry.count("Reaped");
    await sockets.close(connectionId, reason);
  }

  /** What was under way when a connection ended is over: a second look takes away all it left. */
  async function finish(connection: Connection, endedAt: number): Promise<void> {
    telemetry.count("Cleared");
    // At once, for what failed when it ended; and again when it is removed.
    await sockets.clear(connection);
    if (now() - endedAt < MAX_RUN) return;
    await sockets.connections.remove(connection.connectionId);
  }

  /**
   * Takes a live socket off the lists of rooms that it left while it was joining them. One that has
   * joined again since is listed anew. Presence rooms stay noted until the connection ends: somebody
   * who came online and went offline at once may be either.
   */
  async function tidy({ connectionId, session, left, leftAt = 0 }: Connection): Promise<void> {
    const rooms = left.filter((room) => !isPresenceRoom(room));
    if (session === undefined || rooms.length === 0 || now() - leftAt < MAX_RUN) return;
    const than = leftAt + MAX_RUN / 2;
    await sockets.rooms.eraseOlder(session.identity.org, rooms, connectionId, than);
    await sockets.connections.forgetLeft(connectionId, rooms, leftAt);
  }
}
