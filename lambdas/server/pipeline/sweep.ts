import pMap from "p-map";
import { pingFrame } from "#server/engine/frames.ts";
import { LATEST_WRITE, MAX_RUN } from "#server/model/limits.ts";
import {
  type Connection,
  departedOf,
  type StoredSession,
  socketsOf,
} from "#server/model/session.ts";
import { CONNECT_TIMEOUT } from "#server/model/time-outs.ts";
import { sidsOf } from "./end.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./send.ts";

/** Connections visited at the same time. */
const VISITS_AT_ONCE = 50;

const MINUTE = 60_000;

/** Milliseconds by which the scheduler may call late. */
const SCHEDULE_DELAY = MINUTE;

/** A part of the connections, as one function sweeps it; `from` is where another has stopped. */
export interface ShardRange {
  readonly shard: number;
  readonly from?: string | undefined;
}

/** Pings connections, ends dead ones, and repairs what a crash has left of others. */
export interface Sweep {
  /** Called for every minute: has each shard that is due then swept by an invocation of its own. */
  begin(scheduledTime: number): Promise<void>;
  /** Sweeps a page of a shard, and has another function begin with what comes after it. */
  sweep(range: ShardRange): Promise<void>;
}

/** The sweep of a deployment's connections. */
export function createSweep(parts: Parts, sender: Sender): Sweep {
  const { runtime, adapter } = parts;
  const { invokeSelf, telemetry, limits } = runtime;
  const { shards } = limits;
  const minutes = Math.max(1, Math.floor(runtime.heartbeat.pingInterval / MINUTE));
  // Two rounds without a pong, the second of which may be late.
  const maxSilence = 2 * minutes * MINUTE + SCHEDULE_DELAY + MAX_RUN;
  const visit = createVisit(parts, sender, maxSilence);

  return {
    async begin(scheduledTime) {
      const turn = Math.floor(scheduledTime / MINUTE) % minutes;
      const due = Array.from({ length: shards }, (_, shard) => shard).filter(
        (shard) => shard % minutes === turn,
      );
      await Promise.all(due.map((shard) => invokeSelf({ shard })));
    },

    async sweep({ shard, from }) {
      const { connections, next } = await adapter.connections.inShard(shard, from);
      if (next !== undefined) await invokeSelf({ shard, from: next });
      const swept = await pMap(connections, visitSafely, { concurrency: VISITS_AT_ONCE });
      await forgetReleased(connections.filter((_, index) => swept[index] === "lives"));
    },
  };

  /** One connection that fails must not keep the others from their ping. */
  function visitSafely(connection: Connection): Promise<Swept | undefined> {
    return safely(() => visit(connection), connection);
  }

  /** Takes away what living sockets have released, and whatever a crash has left undone of it. */
  async function forgetReleased(connections: readonly Connection[]): Promise<void> {
    const sids = connections.flatMap(socketsOf).map(({ sid }) => sid);
    const sessions = (await safely(() => adapter.sessions.getAll(sids), {})) ?? [];
    const purge = (session: StoredSession) => safely(() => adapter.ledger.purge(session), session);
    await pMap(sessions, purge, { concurrency: VISITS_AT_ONCE });
  }

  async function safely<Result>(
    action: () => Promise<Result>,
    { connectionId }: { readonly connectionId?: string },
  ): Promise<Result | undefined> {
    try {
      return await action();
    } catch (error) {
      telemetry.count("SweepFailures");
      telemetry.fail("a connection could not be swept", error, { connectionId });
      return undefined;
    }
  }
}

/** What a visit has made of a connection: one that lives has been pinged. */
type Swept = "lives" | "ended";

/** Looks after one connection: ends it, or pings it and takes away what it has left. */
function createVisit(parts: Parts, sender: Sender, maxSilence: number) {
  const { adapter, runtime } = parts;
  const { gateway, now, telemetry } = runtime;
  const ping = pingFrame();

  return visit;

  async function visit(connection: Connection): Promise<Swept> {
    const end = endOf(connection);
    if (end !== undefined) await end();
    else if (await isPinged(connection)) {
      await clearDeparted(connection);
      return "lives";
    }
    return "ended";
  }

  /** How a connection ends that is not to be pinged. */
  function endOf(connection: Connection): (() => Promise<void>) | undefined {
    const { connectionId, endedAt, idleSince, lastSeenAt } = connection;
    if (endedAt !== undefined) return () => clearAgain(connection, endedAt);
    const sockets = Object.entries(connection.sockets);
    if (sockets.length === 0 && now() - idleSince > CONNECT_TIMEOUT)
      return () => close(connectionId, "no CONNECT came");
    const [expired] = sockets.filter(([, { expiresAt }]) => Number(expiresAt) * 1000 <= now());
    if (expired !== undefined)
      return () => sender.expire({ connectionId, nsp: expired[0], sid: expired[1].id });
    if (now() - lastSeenAt > maxSilence) return () => close(connectionId, "no pong came");
    return undefined;
  }

  async function isPinged({ connectionId }: Connection): Promise<boolean> {
    telemetry.count("Pinged");
    if ((await gateway.post(connectionId, ping)) !== "gone") return true;
    await sender.disconnect(connectionId);
    return false;
  }

  async function close(connectionId: string, reason: string): Promise<void> {
    telemetry.count("Evicted");
    await sender.close(connectionId, reason);
  }

  /** What was under way when a connection ended is over: a second look takes away all it left. */
  async function clearAgain(connection: Connection, endedAt: number): Promise<void> {
    telemetry.count("CleanedUp");
    // At once, for what failed when it ended; and again when it is removed.
    const { connectionId } = connection;
    const sids = sidsOf(connection);
    await sender.clear(connectionId, sids);
    if (now() - endedAt < LATEST_WRITE) return;
    await adapter.sessions.remove(sids);
    await adapter.connections.remove(connectionId);
  }

  /** The same for sockets that ended while their connection stays. */
  async function clearDeparted(connection: Connection): Promise<void> {
    const { connectionId } = connection;
    const departed = departedOf(connection).filter(
      ({ detachedAt }) => now() - detachedAt > LATEST_WRITE,
    );
    if (departed.length === 0) return;
    const sids = departed.map(({ sid }) => sid);
    await sender.clear(connectionId, sids);
    await adapter.sessions.remove(sids);
    await adapter.connections.forget(connectionId, departed);
  }
}
