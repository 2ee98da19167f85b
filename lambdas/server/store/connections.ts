import type { BinaryPart, Connection } from "#server/model/session.ts";
import { MAX_AGE } from "#server/model/time-outs.ts";
import { isPolling } from "#server/model/transport.ts";
import type { Connections } from "./adapter.ts";
import { connectionIdOf, connectionKey, type Key, queueKey, SHARD_INDEX } from "./keys.ts";
import type { Item, KeyedItem, Table } from "./table.ts";

/** Seconds after which a connection's items are surely dead: API Gateway's 2 hours and some slack. */
const LIFETIME = MAX_AGE / 1000 + 600;

/** Epoch seconds at which what belongs to a connection may be removed by DynamoDB itself. */
export const expiryAfter = (now: number): number => Math.floor(now / 1000) + LIFETIME;

/** Epoch seconds at which DynamoDB may remove what has ended: the sweep comes long before. */
export const expiryOfEnded = (now: number): number => Math.floor(now / 1000) + 1800;

export const EXISTS = "attribute_exists(pk) AND attribute_not_exists(endedAt)";

/** Sessions that a connection may have had not long ago; more CONNECTs wait for the sweep, or are cut. */
const MOST_DEPARTED = 10;

/** Connections that one function visits; what comes after them is another's. */
const CONNECTIONS_A_PAGE = 1000;

/** The connections in the table: `shards` are the parts of them that are swept together. */
export const createConnections = (table: Table, shards: number): Connections => ({
  ...createLives(table, shards),
  ...createAttachments(table),
  ...createHeldParts(table),
});

/** A new connection without a socket. */
export const connectionItem = (
  {
    connectionId,
    connectedAt,
    handshake,
  }: Pick<Connection, "connectionId" | "connectedAt" | "handshake">,
  shards: number,
): KeyedItem => ({
  ...connectionKey(connectionId),
  ...{ connectedAt, lastSeenAt: connectedAt, idleSince: connectedAt, handshake },
  ...{ shard: shardOf(connectionId, shards), expiresAt: expiryAfter(connectedAt) },
  ...{ parts: [], partChanges: 0, sockets: {}, departed: {} },
});

/** Connections from the upgrade to their end. */
function createLives(
  table: Table,
  shards: number,
): Pick<Connections, "add" | "get" | "find" | "touch" | "end" | "remove" | "inShard"> {
  return {
    async add(connectionId, connectedAt, handshake) {
      const connection = connectionItem({ connectionId, connectedAt, handshake }, shards);
      await table.putIf(connection, { condition: "attribute_not_exists(pk)" });
    },

    async get(connectionId, receivedAt = Number.POSITIVE_INFINITY) {
      const connection = connectionOf(await table.get(connectionKey(connectionId)));
      return receivedAt <= (connection?.endedAt ?? receivedAt) ? connection : undefined;
    },

    async find(connectionId) {
      const [item] = await table.getAll([connectionKey(connectionId)]);
      return connectionOf(item);
    },

    async touch(connectionId, now, sessionDue) {
      const touched = await table.update(connectionKey(connectionId), {
        update: "SET lastSeenAt = :now",
        condition: `${EXISTS} AND (idleSince > :due OR size(sockets) > :none)`,
        values: { ":now": now, ":due": sessionDue, ":none": 0 },
        returns: "ALL_NEW",
      });
      return connectionOf(touched);
    },

    async end(connectionId, now) {
      const ended = await table.update(connectionKey(connectionId), {
        // One that is only about to be added has no shard yet: the sweep finds its tombstone, too.
        update: "SET endedAt = :now, expiresAt = :expiry, #shard = :shard",
        condition: "attribute_not_exists(endedAt)",
        names: { "#shard": "shard" },
        values: {
          ...{ ":now": now, ":expiry": expiryOfEnded(now) },
          ":shard": shardOf(connectionId, shards),
        },
        returns: "ALL_NEW",
        isOwn: ({ endedAt }) => endedAt === now,
      });
      return ended?.connectedAt === undefined ? undefined : connectionOf(ended);
    },

    async remove({ connectionId, link }) {
      const key = connectionKey(connectionId);
      if (!isPolling(connectionId)) return void (await table.remove(key));
      const more = link === undefined ? [] : [connectionKey(link)];
      await table.writeAll([], [key, queueKey(connectionId), ...more]);
    },

    async inShard(shard, from, limit = CONNECTIONS_A_PAGE) {
      const after = from === undefined ? undefined : connectionKey(from).pk;
      const { items, last } = await pageOfShard(table, shard, after, limit);
      return {
        connections: items.flatMap((item) => connectionOf(item) ?? []),
        next: last && connectionIdOf(last),
      };
    },
  };
}

/** The sessions that connections carry. */
function createAttachments(table: Table): Pick<Connections, "attach" | "detach" | "forget"> {
  return {
    async attach({ connectionId, nsp }, session, { lostBy, idleBy }) {
      const attached = await table.update(connectionKey(connectionId), {
        update: "SET sockets.#nsp = :session",
        condition: [
          `${EXISTS} AND attribute_not_exists(sockets.#nsp)`,
          "(size(departed) = :none OR (size(departed) < :most AND idleSince <= :lostBy))",
          "(size(sockets) > :none OR idleSince > :idleBy)",
        ].join(" AND "),
        names: { "#nsp": nsp },
        values: {
          ":session": session,
          ":lostBy": lostBy,
          ":idleBy": idleBy,
          ":none": 0,
          ":most": MOST_DEPARTED,
        },
        returns: "ALL_NEW",
        isOwn: (item) => (item as unknown as Connection).sockets?.[nsp]?.id === session.id,
      });
      return connectionOf(attached);
    },

    async detach({ connectionId, nsp, sid }, departed) {
      await table.update(connectionKey(connectionId), {
        update: "SET departed.#sid = :departed, idleSince = :now REMOVE sockets.#nsp",
        condition: "sockets.#nsp.id = :sid",
        names: { "#nsp": nsp, "#sid": sid },
        values: { ":sid": sid, ":departed": departed, ":now": departed.detachedAt },
        isRepeatable: true,
      });
    },

    async forget(connectionId, departed) {
      const names = departed.map(({ sid }, index) => [`#sid${index}`, sid] as const);
      await table.update(connectionKey(connectionId), {
        update: `REMOVE ${names.map(([name]) => `departed.${name}`).join(", ")}`,
        condition: EXISTS,
        names: Object.fromEntries(names),
      });
    },
  };
}

/** Parts of binary packets that wait for the others. */
function createHeldParts(table: Table): Pick<Connections, "addPart" | "takeParts"> {
  return {
    async addPart(connectionId, part) {
      const held = await table.update(connectionKey(connectionId), {
        update: "SET parts = list_append(parts, :part) ADD partChanges :one",
        condition: `${EXISTS} AND (size(sockets) > :none OR size(departed) > :none)`,
        values: { ":part": [part], ":one": 1, ":none": 0 },
        returns: "UPDATED_NEW",
      });
      return held && uniqueParts(held.parts as readonly BinaryPart[]);
    },

    async takeParts({ connectionId, partChanges }, rest, by) {
      const taken = await table.update(connectionKey(connectionId), {
        update: "SET parts = :rest, partsTakenBy = :by ADD partChanges :one",
        condition: `${EXISTS} AND partChanges = :seen`,
        values: { ":seen": partChanges, ":rest": rest, ":by": by, ":one": 1 },
        isOwn: (item) => item.partsTakenBy === by && Number(item.partChanges) > partChanges,
      });
      return taken !== undefined;
    },
  };
}

/** The connection that an item is of. */
export const connectionOf = (item: Item | undefined): Connection | undefined =>
  item && {
    ...{ partChanges: 0, sockets: {}, departed: {} },
    ...(item as unknown as Connection),
    connectionId: connectionIdOf(item as Item & Key),
    parts: uniqueParts(item.parts as readonly BinaryPart[] | undefined),
  };

/** A call that the SDK has repeated has noted its part twice. */
const uniqueParts = (parts: readonly BinaryPart[] = []): readonly BinaryPart[] => [
  ...new Map(parts.map((part) => [part.id, part])).values(),
];

/** A page of the items in a shard of the index that the sweep reads, in its order; `last` is there where there are more. */
export async function pageOfShard(
  table: Table,
  ...query: Parameters<typeof shardQuery>
): Promise<{ readonly items: readonly Item[]; readonly last: Key | undefined }> {
  const keys = await table.page(shardQuery(...query));
  const found = await table.getAll(keys.items as (Item & Key)[]);
  // A batch has no order.
  const byKey = new Map(found.map((item) => [item.pk, item]));
  return {
    items: keys.items.map(({ pk }) => byKey.get(pk)).filter((item) => item !== undefined),
    last: keys.last as (Item & Key) | undefined,
  };
}

/** A page of the keys in a shard. */
export const shardQuery = (shard: number, from: string | undefined, limit: number) => ({
  IndexName: SHARD_INDEX,
  KeyConditionExpression: from === undefined ? "#shard = :shard" : "#shard = :shard AND pk > :from",
  ExpressionAttributeNames: { "#shard": "shard" },
  ExpressionAttributeValues: { ":shard": shard, ...(from !== undefined && { ":from": from }) },
  Limit: limit,
});

/** The shard of a connection, or of a session. */
export const shardOf = (id: string, shards: number): number =>
  Buffer.from(id).reduce((hash, byte) => (hash * 31 + byte) % 65_536, 0) % shards;
