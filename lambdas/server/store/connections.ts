import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { Identity } from "#mudbase/model/identity.ts";
import type { Connection, Piece, QueryPlace, Session } from "#server/model/connection.ts";
import { isWalletRoom, type Room } from "#server/model/room.ts";
import { splitSegments } from "#server/model/segments.ts";
import { connectionKey, SHARD_INDEX } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** Seconds after which a connection's items are surely dead: API Gateway's 2 hours and some slack. */
const LIFETIME = 2 * 3600 + 600;

/** Epoch seconds at which what belongs to a connection may be removed by DynamoDB itself. */
export const expiryAfter = (now: number): number => Math.floor(now / 1000) + LIFETIME;

/** The same for a connection that has ended: the sweep comes long before. */
const expiryOfEnded = (now: number): number => Math.floor(now / 1000) + 1800;

/** The connections and what each remembers. Where one does not exist (any more) the answer is `false` or `undefined`. */
export interface Connections {
  add(connectionId: string, connectedAt: number, handshake?: Identity): Promise<void>;
  get(connectionId: string): Promise<Connection | undefined>;
  /** Starts the Socket.IO session; `false` where there is one already. */
  begin(
    connectionId: string,
    session: Session,
    rooms: readonly Room[],
    place?: number,
  ): Promise<boolean>;
  /** Notes a pong; nothing where the connection is unknown, or still without a session it should have had by then. */
  touch(connectionId: string, now: number, sessionDue: number): Promise<Connection | undefined>;
  /** Notes rooms, of which `fresh` may be new; `false` where the socket may not be in so many. */
  addRooms(connectionId: string, rooms: readonly Room[], fresh: readonly Room[]): Promise<boolean>;
  /** Forgets rooms and gives all that were noted before. */
  removeRooms(
    connectionId: string,
    rooms: readonly Room[],
    now: number,
  ): Promise<ReadonlySet<Room>>;
  /** Notes a live query; where it replaces one, `previous` is the collection that one watched. */
  addQuery(
    connectionId: string,
    queryId: string,
    place: QueryPlace,
    most: number,
  ): Promise<{ readonly previous?: QueryPlace | undefined } | undefined>;
  /** Notes a piece of a binary packet and gives all that are held. */
  addPiece(connectionId: string, piece: Piece): Promise<readonly Piece[] | undefined>;
  /** Leaves only `rest` of the pieces; `false` where they have changed since. */
  takePieces(connectionId: string, pieceChanges: number, rest: readonly Piece[]): Promise<boolean>;
  /** Ends the connection, for everyone but the sweep, and gives what it knew; once. */
  end(connectionId: string, now: number): Promise<Connection | undefined>;
  /** Forgets the connection. */
  remove(connectionId: string): Promise<void>;
  /** Forgets rooms that were left, unless one was left since `leftAt`. */
  forgetLeft(connectionId: string, rooms: readonly Room[], leftAt: number): Promise<void>;
  /** A page of the connections in a shard of the sweep, ended ones included. */
  inShard(
    shard: number,
    from: string | undefined,
  ): Promise<{ readonly connections: readonly Connection[]; readonly next?: string | undefined }>;
}

/** How many rooms one socket may be in, how many of them a wallet's, and the shards of the sweep. */
export type RoomLimits = Pick<Limits, "roomsPerSocket" | "walletRoomsPerSocket" | "shards">;

/** The connections in the table; wallet rooms are counted in a set of their own. */
export function createConnections(table: Table, limits: RoomLimits): Connections {
  const exists = "attribute_exists(pk) AND attribute_not_exists(endedAt)";
  const inSession = `${exists} AND attribute_exists(#session)`;

  return {
    add: (connectionId, connectedAt, handshake) =>
      table.put({
        ...connectionKey(connectionId),
        connectedAt,
        lastSeenAt: connectedAt,
        shard: shardOf(connectionId, limits.shards),
        expiresAt: expiryAfter(connectedAt),
        handshake,
        queries: {},
        previousQueries: {},
        pieces: [],
        pieceChanges: 0,
      }),

    async get(connectionId) {
      const connection = connectionOf(await table.get(connectionKey(connectionId)));
      return connection?.endedAt === undefined ? connection : undefined;
    },

    async begin(connectionId, session, rooms, place) {
      const begun = await table.update(connectionKey(connectionId), {
        UpdateExpression: `SET #session = :session, rooms = :rooms${place === undefined ? "" : ", place = :place"} REMOVE handshake`,
        ConditionExpression: `${exists} AND attribute_not_exists(#session)`,
        ExpressionAttributeNames: { "#session": "session" },
        ExpressionAttributeValues: {
          ":session": session,
          ":rooms": new Set(rooms),
          ...(place !== undefined && { ":place": place }),
        },
      });
      return begun !== undefined;
    },

    async touch(connectionId, now, sessionDue) {
      const touched = await table.update(connectionKey(connectionId), {
        UpdateExpression: "SET lastSeenAt = :now",
        ConditionExpression: `${exists} AND (attribute_exists(#session) OR connectedAt > :due)`,
        ExpressionAttributeNames: { "#session": "session" },
        ExpressionAttributeValues: { ":now": now, ":due": sessionDue },
        ReturnValues: "ALL_NEW",
      });
      return connectionOf(touched);
    },

    async addRooms(connectionId, rooms, fresh) {
      const wallets = rooms.filter(isWalletRoom);
      const sets = roomSets(rooms, wallets);
      const fewWallets = "(attribute_not_exists(wallets) OR size(wallets) <= :mostWallets)";
      const added = await table.update(connectionKey(connectionId), {
        UpdateExpression: `ADD ${sets.expression} DELETE #left :rooms`,
        ConditionExpression: [
          `${inSession} AND size(rooms) <= :most`,
          ...(wallets.length > 0 ? [fewWallets] : []),
        ].join(" AND "),
        ExpressionAttributeNames: { "#session": "session", "#left": "left" },
        ExpressionAttributeValues: {
          ...sets.values,
          ":most": limits.roomsPerSocket - fresh.length,
          ...(wallets.length > 0 && {
            ":mostWallets": limits.walletRoomsPerSocket - fresh.filter(isWalletRoom).length,
          }),
        },
      });
      return added !== undefined;
    },

    async removeRooms(connectionId, rooms, now) {
      const sets = roomSets(rooms, rooms.filter(isWalletRoom));
      const before = await table.update(connectionKey(connectionId), {
        UpdateExpression: `DELETE ${sets.expression} ADD #left :rooms SET leftAt = :now`,
        ConditionExpression: exists,
        ExpressionAttributeNames: { "#left": "left" },
        ExpressionAttributeValues: { ...sets.values, ":now": now },
        ReturnValues: "UPDATED_OLD",
      });
      return (before?.rooms as ReadonlySet<Room> | undefined) ?? new Set();
    },

    async addQuery(connectionId, queryId, place, most) {
      const replaced = await table.update(connectionKey(connectionId), {
        UpdateExpression:
          "SET queries.#query = :place, previousQueries.#query = if_not_exists(queries.#query, :place)",
        ConditionExpression: `${inSession} AND (attribute_exists(queries.#query) OR size(queries) < :most)`,
        ExpressionAttributeNames: { "#session": "session", "#query": noteOf(queryId) },
        ExpressionAttributeValues: { ":place": place, ":most": most },
        ReturnValues: "UPDATED_OLD",
      });
      const queries = replaced?.queries as Record<string, QueryPlace> | undefined;
      return replaced && { previous: queries?.[noteOf(queryId)] };
    },

    async addPiece(connectionId, piece) {
      const held = await table.update(connectionKey(connectionId), {
        UpdateExpression: "SET pieces = list_append(pieces, :piece) ADD pieceChanges :one",
        ConditionExpression: inSession,
        ExpressionAttributeNames: { "#session": "session" },
        ExpressionAttributeValues: { ":piece": [piece], ":one": 1 },
        ReturnValues: "UPDATED_NEW",
      });
      return held?.pieces as readonly Piece[] | undefined;
    },

    async takePieces(connectionId, pieceChanges, rest) {
      const taken = await table.update(connectionKey(connectionId), {
        UpdateExpression: "SET pieces = :rest ADD pieceChanges :one",
        ConditionExpression: `${exists} AND pieceChanges = :seen`,
        ExpressionAttributeValues: { ":seen": pieceChanges, ":rest": rest, ":one": 1 },
      });
      return taken !== undefined;
    },

    async end(connectionId, now) {
      const ended = await table.update(connectionKey(connectionId), {
        UpdateExpression: "SET endedAt = :now, expiresAt = :expiry",
        ConditionExpression: exists,
        ExpressionAttributeValues: { ":now": now, ":expiry": expiryOfEnded(now) },
        ReturnValues: "ALL_NEW",
      });
      return connectionOf(ended);
    },

    remove: async (connectionId) => void (await table.remove(connectionKey(connectionId))),

    async forgetLeft(connectionId, rooms, leftAt) {
      await table.update(connectionKey(connectionId), {
        UpdateExpression: "DELETE #left :rooms",
        ConditionExpression: `${exists} AND leftAt = :leftAt`,
        ExpressionAttributeNames: { "#left": "left" },
        ExpressionAttributeValues: { ":rooms": new Set(rooms), ":leftAt": leftAt },
      });
    },

    async inShard(shard, from) {
      const keys = await table.page(shardQuery(shard, from));
      const items = await table.getAll(
        keys.items.map(({ pk }) => ({ pk: String(pk), sk: "conn" })),
      );
      return {
        connections: items.flatMap((item) => connectionOf(item) ?? []),
        next: keys.last && String(keys.last.pk),
      };
    },
  };
}

/** Connections that one function visits; what comes after them is another's. */
const CONNECTIONS_A_PAGE = 1000;

const shardQuery = (shard: number, from: string | undefined) => ({
  IndexName: SHARD_INDEX,
  KeyConditionExpression: from === undefined ? "#shard = :shard" : "#shard = :shard AND pk > :from",
  ExpressionAttributeNames: { "#shard": "shard" },
  ExpressionAttributeValues: { ":shard": shard, ...(from !== undefined && { ":from": from }) },
  Limit: CONNECTIONS_A_PAGE,
});

const roomSets = (rooms: readonly Room[], wallets: readonly Room[]) =>
  wallets.length === 0
    ? { expression: "rooms :rooms", values: { ":rooms": new Set(rooms) } }
    : {
        expression: "rooms :rooms, wallets :wallets",
        values: { ":rooms": new Set(rooms), ":wallets": new Set(wallets) },
      };

function connectionOf(item: Item | undefined): Connection | undefined {
  if (item === undefined) return undefined;
  const { rooms, left, queries, previousQueries, ...stored } = item as unknown as Stored;
  return {
    ...stored,
    connectionId: splitSegments(stored.pk)[1] ?? "",
    rooms: [...(rooms ?? [])],
    left: [...(left ?? [])],
    queries: withoutNotes(queries),
    previousQueries: withoutNotes(previousQueries),
  };
}

/** How a live query is noted: as it is, an id like `__proto__` would be lost in an object. */
const noteOf = (queryId: string): string => `=${queryId}`;

const withoutNotes = (queries: Connection["queries"]): Connection["queries"] =>
  Object.fromEntries(Object.entries(queries).map(([note, place]) => [note.slice(1), place]));

type Stored = Omit<Connection, "connectionId" | "rooms" | "left"> & {
  readonly pk: string;
  readonly rooms?: ReadonlySet<Room>;
  readonly left?: ReadonlySet<Room>;
};

const shardOf = (connectionId: string, shards: number): number =>
  Buffer.from(connectionId).reduce((hash, byte) => (hash * 31 + byte) % 65_536, 0) % shards;
