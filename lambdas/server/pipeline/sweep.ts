import pMap, { pMapSkip } from "p-map";
import { MAX_RUN } from "#server/model/limits.ts";
import { type Connection, type StoredSession, socketsOf } from "#server/model/session.ts";
import { createVisitLost } from "./lost.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";
import { createVisit } from "./visit.ts";

/** Connections visited at the same time. */
const VISITS_AT_ONCE = 50;

/** Milliseconds that a visit may take: a post that hangs is given up after ten seconds and its last try. */
const LONGEST_VISIT = 18_000;

const MINUTE = 60_000;

/** Milliseconds by which the scheduler may call late. */
const SCHEDULE_DELAY = MINUTE;

/** A part of the connections, or of the sessions that have lost theirs, as one function sweeps it; `from` is where another has stopped. */
export interface ShardRange {
  readonly shard: number;
  readonly from?: string | undefined;
  readonly isOfLost?: boolean;
  /** How many are left of a page for which another function had no time; what comes after it is not this one's. */
  readonly left?: number;
  /** The minute that it is for, in epoch milliseconds. */
  readonly scheduledTime?: number;
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
  const { invokeSelf, limits, now } = runtime;
  const shards = Array.from({ length: limits.shards }, (_, shard) => shard);
  const minutes = Math.max(1, Math.floor(runtime.heartbeat.pingInterval / MINUTE));
  // Two rounds without a pong, the second of which may be late.
  const maxSilence = 2 * minutes * MINUTE + SCHEDULE_DELAY + MAX_RUN;
  const safely = createSafely(parts);
  // A page that is not over when its function ends would be repeated, and all pages after it.
  const hasTime = () => runtime.remaining() >= LONGEST_VISIT;
  const visit = createVisit(parts, sender, { maxSilence, minutes });
  const visitLost = createVisitLost(parts, sender);

  return {
    async begin(scheduledTime) {
      const turn = Math.floor(scheduledTime / MINUTE) % minutes;
      const due = shards.filter((shard) => shard % minutes === turn);
      // Also where nobody comes back any more: some may have lost theirs before that was set.
      const lost = await shardsWithLost(parts, shards);
      await Promise.all([
        ...due.map((shard) => invokeSelf({ shard, scheduledTime })),
        ...lost.map((shard) => invokeSelf({ shard, isOfLost: true })),
      ]);
    },

    sweep: (range) => (range.isOfLost ? sweepLost(range) : sweepConnections(range)),
  };

  async function sweepConnections({ shard, from, left, scheduledTime = now() }: ShardRange) {
    const { connections, next } = await adapter.connections.inShard(shard, from, left);
    if (next !== undefined && left === undefined)
      await invokeSelf({ shard, scheduledTime, from: next });
    let visited = 0;
    const visitSafely = async (connection: Connection) => {
      if (!hasTime()) return pMapSkip;
      visited += 1;
      const swept = await safely(() => visit(connection, scheduledTime), connection);
      return swept === "lives" ? connection : pMapSkip;
    };
    const living = await pMap(connections, visitSafely, { concurrency: VISITS_AT_ONCE });
    const last = connections[visited - 1];
    const rest = connections.length - visited;
    if (last !== undefined && rest > 0)
      await invokeSelf({ shard, scheduledTime, from: last.connectionId, left: rest });
    await forgetReleased(living);
  }

  async function sweepLost({ shard, from }: ShardRange): Promise<void> {
    const { sessions, next } = await adapter.sessions.lostInShard(shard, from);
    if (next !== undefined) await invokeSelf({ shard, isOfLost: true, from: next });
    const ends = (await safely(() => adapter.log.ends(), {})) ?? [];
    // The next minute's sweep begins with those that are left.
    const visitSafely = async (session: StoredSession) =>
      hasTime() && safely(() => visitLost(session, ends), session);
    await pMap(sessions, visitSafely, { concurrency: VISITS_AT_ONCE });
  }

  /** Takes away what living sockets have released, and whatever a crash has left undone of it. */
  async function forgetReleased(connections: readonly Connection[]): Promise<void> {
    const sids = connections.flatMap(socketsOf).map(({ sid }) => sid);
    const sessions = (await safely(() => adapter.sessions.getAll(sids), {})) ?? [];
    const purge = (session: StoredSession) => safely(() => adapter.ledger.purge(session), session);
    await pMap(sessions, purge, { concurrency: VISITS_AT_ONCE });
  }
}

function shardsWithLost({ adapter }: Parts, shards: readonly number[]): Promise<number[]> {
  const orSkip = async (shard: number) =>
    (await adapter.sessions.hasLost(shard)) ? shard : pMapSkip;
  return pMap(shards, orSkip, { concurrency: VISITS_AT_ONCE });
}

/** One that fails must not keep the others from their ping. */
const createSafely =
  ({ runtime: { telemetry } }: Parts) =>
  async <Result>(
    action: () => Promise<Result>,
    { connectionId }: { readonly connectionId?: string },
  ): Promise<Result | undefined> => {
    try {
      return await action();
    } catch (error) {
      telemetry.count("SweepFailures");
      telemetry.fail("a connection could not be swept", error, { connectionId });
      return undefined;
    }
  };
