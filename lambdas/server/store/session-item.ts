import { splitSegments } from "#server/model/segments.ts";
import type { Claim, Listed, Member, SessionState, StoredSession } from "#server/model/session.ts";
import { expiryAfter } from "./connections.ts";
import { type Key, memberKey, sessionKey, sidOf } from "./keys.ts";
import type { Item, KeyedItem, Table } from "./table.ts";

/** How many rooms one socket may be in, and how many of some kinds. */
export interface RoomLimits {
  /** Seconds; more than 0 has sessions remember since when they are in their rooms. */
  readonly connectionStateRecovery: number;
  readonly roomsPerSocket: number;
  /** By the kind of a room; those of other kinds only count among all. */
  readonly roomsOfKind?: Readonly<Record<string, number>>;
}

/** The order of all commands on one thing: by the time they were received; a release wins a tie. */
export const stampOf = (receivedAt: number, isRelease = false): number =>
  2 * receivedAt + (isRelease ? 1 : 0);

/** Epoch milliseconds at which the command of a stamp was received. */
export const timeOfStamp = (stamp: number): number => Math.floor(stamp / 2);

/** Bytes that a record keeps free, so that its loss and its end can be noted although DynamoDB takes no larger one. */
export const SPARE = "-".repeat(256);

/** How a name is kept in a map: as it is, one like `__proto__` would be lost in an object. */
export const noteOf = (room: string): string => `=${room}`;

/** How a claim is noted among what was released: no room is noted like it. */
export const claimNote = (key: string, place: string): string => `:${JSON.stringify([key, place])}`;

/** The rooms and claims that notes are of. */
export const releasedIn = (notes: readonly string[]) => ({
  rooms: notes.filter((note) => note.startsWith("=")).map((note) => note.slice(1)),
  claims: notes.filter((note) => note.startsWith(":")).map(claimIn),
});

function claimIn(note: string): Claim {
  const [key = "", place = ""] = JSON.parse(note.slice(1)) as readonly string[];
  return { key, place };
}

/** A session with all that its record says. */
export interface Recorded extends StoredSession {
  /** The stamps by which joins of kinds of rooms were superseded. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** The session that an item is of. */
export function recordOf(item: Item | undefined): Recorded | undefined {
  if (item === undefined) return undefined;
  const {
    rooms = {},
    released = {},
    claims = {},
    kinds = {},
    since = {},
    epochs = {},
    ...rest
  } = item as unknown as Stored;
  const { previousId, previousAt = 0, previousState = "detached", ...stored } = rest;
  const notes = new Map(Object.entries(released));
  const roomStamps = withoutNotes(rooms);
  const left = releasedIn([...notes.keys()]);
  return {
    ...{ ...NEW, ...stored },
    ...{ sid: sidOf(stored), roomStamps, kinds, released: notes, since: withoutNotes(since) },
    epochs: new Map(Object.entries(epochs).map(([epoch, takenAt]) => [Number(epoch), takenAt])),
    ...(previousId !== undefined && {
      previous: { connectionId: previousId, connectedAt: previousAt, state: previousState },
    }),
    rooms: [...roomStamps.keys()],
    claims: [...withoutNotes(claims)].map(([key, claim]) => ({ key, ...claim })),
    left: left.rooms,
    gone: left.claims.map((claim) => ({
      ...claim,
      stamp: notes.get(claimNote(claim.key, claim.place)) ?? 0,
    })),
  };
}

/** The record of a session that lives. */
export async function readLiving(
  table: Pick<Table, "get">,
  sid: string,
): Promise<Recorded | undefined> {
  const record = recordOf(await table.get(sessionKey(sid)));
  return record?.endedAt === undefined ? record : undefined;
}

const NONE: ReadonlySet<never> = new Set();

/** What a record does not say of a session that has never come back. */
const NEW = {
  ...{ state: "connected", beganAt: 0, completed: 0, completedAt: 0 },
  ...{ pending: NONE, replayed: NONE },
} as const;

interface Stored
  extends Key,
    Omit<
      StoredSession,
      "sid" | "rooms" | "roomStamps" | "epochs" | "since" | "left" | "claims" | "gone" | "released"
    > {
  readonly since?: Readonly<Record<string, number>>;
  readonly epochs?: Readonly<Record<string, number>>;
  readonly previousId?: string;
  readonly previousAt?: number;
  readonly previousState?: SessionState;
  readonly rooms?: Readonly<Record<string, number>>;
  readonly released?: Readonly<Record<string, number>>;
  readonly kinds?: Readonly<Record<string, number>>;
  readonly claims?: Readonly<Record<string, { readonly place: string; readonly stamp: number }>>;
}

const withoutNotes = <Value>(noted: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> =>
  new Map(Object.entries(noted).map(([note, value]) => [note.slice(1), value]));

/** The map in which a session counts its rooms of a kind that is limited. */
export const setOf = (kind: string): string => `rooms of ${kind}`;

/** An item that carries the stamp of the command that put it. */
export type Stamped = KeyedItem & { readonly stamp: number };

/** The item by which a room lists a socket. */
export const memberItem = (
  { connectionId, connectedAt, tags, isRecovering, link }: Omit<Listed, "sid" | "userId">,
  { sid, tenant, nsp, userId }: Member,
  room: string,
  stamp: number,
  now: number,
): Stamped => ({
  ...memberKey({ tenant, nsp, room }, sid, connectedAt),
  ...{ address: connectionId, userId, stamp },
  ...(tags !== undefined && { tags }),
  ...(isRecovering && { isRecovering }),
  ...(link !== undefined && { link }),
  expiresAt: expiryAfter(now),
});

/** Puts items, or tombstones in their place, unless a later command has put another. */
export async function putStamped(
  table: Pick<Table, "putIf">,
  items: readonly Stamped[],
): Promise<void> {
  const condition = "attribute_not_exists(pk) OR stamp <= :stamp";
  await Promise.all(
    items.map((item) => table.putIf(item, { condition, values: { ":stamp": item.stamp } })),
  );
}

/** Deletes tombstones, unless a later command has put something in their place. */
export async function removeStamped(
  table: Pick<Table, "remove">,
  keys: readonly Key[],
  upTo: number,
): Promise<void> {
  const condition = "stamp <= :upTo";
  await Promise.all(keys.map((key) => table.remove(key, { condition, values: { ":upTo": upTo } })));
}

/** Where rooms may list a session, as one of connections made at these times. */
export const memberKeys = (
  { sid, nsp, session: { tenant } }: StoredSession,
  rooms: readonly string[],
  epochs: readonly number[],
): readonly Key[] =>
  epochs.flatMap((epoch) => rooms.map((room) => memberKey({ tenant, nsp, room }, sid, epoch)));

/** The member that an item is of. */
export function listed({ sk, address, userId, tags, isRecovering, link }: Item): Listed {
  const [sid = "", connectedAt] = splitSegments(String(sk));
  return {
    ...{ sid, connectionId: String(address), connectedAt: Number(connectedAt) },
    ...{ userId: String(userId), tags: tags as Listed["tags"] },
    ...(isRecovering === true && { isRecovering }),
    ...(typeof link === "string" && { link }),
  };
}
