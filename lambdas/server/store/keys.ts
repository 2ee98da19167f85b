import type { Asked } from "#server/model/acknowledgement.ts";
import type { RoomKey } from "#server/model/key-range.ts";
import { segments, splitSegments } from "#server/model/segments.ts";

/** The primary key of an item. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** The index the sweep reads: connections by shard. */
export const SHARD_INDEX = "byShard";

export const connectionKey = (connectionId: string): Key => ({
  pk: segments("conn", connectionId),
  sk: "conn",
});

/** What waits for a client that polls. */
export const queueKey = (connectionId: string): Key => ({
  pk: segments("conn", connectionId),
  sk: "queue",
});

/** One of the GETs that may wait at the same time, where their number is limited. */
export const waitKey = (slot: number): Key => ({ pk: segments("wait", String(slot)), sk: "wait" });

/** The connection that an item is of. */
export const connectionIdOf = ({ pk }: Key): string => splitSegments(pk)[1] ?? "";

export const sessionKey = (sid: string): Key => ({ pk: segments("sess", sid), sk: "sess" });

/** The session that an item is of. */
export const sidOf = ({ pk }: Key): string => splitSegments(pk)[1] ?? "";

export const binaryPartKey = (connectionId: string, id: string): Key => ({
  pk: segments("conn", connectionId),
  sk: segments("part", id),
});

/** A partition of a room, whose name comes last: it may hold anything. */
const partitionOf = (kind: string, { tenant, nsp, room }: RoomKey): string =>
  `${segments(kind, tenant, nsp)}#${room}`;

/** The partition of who is in a room. */
export const roomPartition = (room: RoomKey): string => partitionOf("room", room);

/** Where a room lists a session that is reached by the connection made at this time, in epoch milliseconds. */
export const memberKey = (room: RoomKey, sid: string, connectedAt: number): Key => ({
  pk: roomPartition(room),
  // As many digits as any time has until the year 2286: sort keys are in the order of the numbers.
  sk: segments(sid, String(connectedAt).padStart(13, "0")),
});

/** Before all, and after all, that a room lists of a session. */
export const memberBounds = (sid: string): readonly [string, string] => [`${sid}#`, `${sid}$`];

/** Whether anybody is in a room. */
export const occupancyKey = (room: RoomKey): Key => ({
  pk: partitionOf("occupied", room),
  sk: "occupied",
});

/** The room that a key is of, whose partition is the room's own or that of its occupancy. */
export function roomOf({ pk }: Pick<Key, "pk">): RoomKey {
  const [kind = "", tenant = "", nsp = "", ...name] = pk.split("#");
  const [, ...where] = splitSegments([kind, tenant, nsp].join("#"));
  return { tenant: where[0] ?? "", nsp: where[1] ?? "", room: name.join("#") };
}

/** The partition of a room's log. */
export const logPartition = (room: RoomKey): string => partitionOf("log", room);

/** The partition of the marks that are of one part of a large room alone. */
export const marksPartition = (room: RoomKey, part: number): string =>
  partitionOf(`marks${part}`, room);

/** The partition of the ends among what all logs hold: what has disconnected the sockets of a room. */
export const ENDS = "ends";

/** What can be revoked, whose name comes last: a user, a session, a token. */
export const revocationKey = (tenant: string, credential: string): Key => ({
  pk: `${segments("revoked", tenant)}#${credential}`,
  sk: "revoked",
});

export const idempotencyKey = (kind: string, id: string): Key => ({
  pk: segments("once", kind, id),
  sk: "once",
});

/** A bucket of tokens, by what they are for and whose they are. */
export const rateLimitKey = (kind: string, owner: readonly string[]): Key => ({
  pk: segments("rate", kind, ...owner),
  sk: "rate",
});

/** The limit of connections that a tenant has of its own. */
export const limitKey = (tenant: string): Key => ({
  pk: segments("limit", tenant),
  sk: "connections",
});

/** Partitions that the acknowledgements of one event have: DynamoDB writes a thousand units a second to each. */
const ACK_PARTITIONS = 16;

/** The acknowledgement of one socket; which partition it is in follows from the socket's id. */
export const acknowledgementKey = ({ tenant, nsp, id }: Asked, sid: string): Key => ({
  pk: segments(
    "ack",
    tenant,
    nsp,
    String(id),
    String((sid.at(-1) ?? "").charCodeAt(0) % ACK_PARTITIONS),
  ),
  sk: sid,
});

/** The partition of a tenant's connection slots, where it has a limit. */
export const slotPartition = (tenant: string): string => segments("slots", tenant);

export const slotKey = (tenant: string, slot: number): Key => ({
  pk: slotPartition(tenant),
  // As many digits as the largest limit has: sort keys are in the order of their numbers.
  sk: String(slot).padStart(8, "0"),
});
