import pMap from "p-map";
import { socketsOf } from "#server/model/session.ts";
import { isPolling } from "#server/model/transport.ts";
import { fitsPacket } from "#server/pipeline/oversized.ts";
import type { AdminEvent } from "#server/pipeline/report.ts";
import type { Runtime } from "#server/runtime.ts";
import type { Adapter } from "#server/store/adapter.ts";
import { ADMIN, shownSocket } from "./shown.ts";

/** Connections that are read for one list, at least. */
const MAX_CONNECTIONS = 500;

/** Of one shard, so that a few are never left out of many shards. */
const MIN_OF_SHARD = 10;

/** Shards read at the same time. */
const SHARDS_AT_ONCE = 50;

type Stores = Pick<Adapter, "connections" | "sessions">;

/** What there is: the statistics, as many sockets as one packet takes, and the rest of what was read. */
export interface All {
  readonly stats: AdminEvent;
  readonly sockets: AdminEvent;
  readonly rest: readonly AdminEvent[];
}

/** Reads the sockets of all tenants, an equal part of each shard, as far as a list of them goes. */
export async function findAll(
  { connections, sessions }: Stores,
  { limits, variables }: Pick<Runtime, "limits" | "variables">,
  everyoneIn: (nsp: string) => string,
): Promise<All> {
  const limit = Math.max(MIN_OF_SHARD, Math.ceil(MAX_CONNECTIONS / limits.shards));
  const shards = Array.from({ length: limits.shards }, (_, shard) => shard);
  const pages = await pMap(shards, (shard) => connections.inShard(shard, undefined, limit), {
    concurrency: SHARDS_AT_ONCE,
  });
  const living = pages
    .flatMap((page) => page.connections)
    .filter(({ endedAt, owner }) => endedAt === undefined && owner === undefined);
  const sids = living
    .flatMap(socketsOf)
    .filter(({ nsp }) => nsp !== ADMIN)
    .map(({ sid }) => sid);
  const sockets = (await sessions.getAll(sids))
    .filter(({ endedAt }) => endedAt === undefined)
    .map((session) => shownSocket(session, everyoneIn(session.nsp)));

  const first: (typeof sockets)[number][] = [];
  for (const socket of sockets) if (fitsPacket([...first, socket])) first.push(socket);
  const isFirst = new Set(first);
  const polling = living.filter(({ connectionId, link }) => isPolling(connectionId) && !link);
  return {
    stats: [
      "server_stats",
      {
        serverId: variables.POWERTOOLS_SERVICE_NAME ?? "server",
        hostname: variables.AWS_LAMBDA_FUNCTION_NAME,
        pid: process.pid,
        uptime: process.uptime(),
        clientsCount: living.length,
        pollingClientsCount: polling.length,
        namespaces: countsOf(sockets.map(({ nsp }) => nsp)),
      },
    ],
    sockets: ["all_sockets", first],
    rest: sockets
      .filter((socket) => !isFirst.has(socket))
      .map((socket) => ["socket_connected", socket, socket.handshake.time]),
  };
}

const countsOf = (names: readonly string[]) =>
  [...new Set(names)].map((name) => ({
    name,
    socketsCount: names.filter((one) => one === name).length,
  }));
