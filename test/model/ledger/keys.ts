import type { Key } from "./table.ts";

/** What an item of a room is sorted by: the session, then the order of connections: `n` is when API Gateway made this one. */
const listed = (sid: string, n: number): string => `${sid}#${String(n).padStart(4, "0")}`;

export const recordKey = (sid: string): Key => ({ pk: `sess#${sid}`, sk: "sess" });

export const memberKey = (room: string, sid: string, n: number): Key => ({
  pk: `room#${room}`,
  sk: listed(sid, n),
});

export const queryKey = (collection: string, sid: string, n: number, queryId: string): Key => ({
  pk: `query#${collection}`,
  sk: `${listed(sid, n)}#${queryId}`,
});

export const presenceKey = (room: string, userId: string): Key => ({
  pk: `online#${room}`,
  sk: userId,
});

/** Of a claim and a release of one millisecond the release wins, here and in every condition. */
export const stampOf = (at: number, isRelease: boolean): number => 2 * at + (isRelease ? 1 : 0);

/** What a session's item says it owns. */
export interface LedgerRecord {
  readonly state: "connected" | "recovering" | "detached" | "ended";
  readonly connection: string;
  readonly n: number;
  readonly previousN?: number;
  /** Every `n` under which items may be left. */
  readonly epochs: ReadonlySet<number>;
  readonly rooms: Readonly<Record<string, { readonly stamp: number; readonly since: number }>>;
  readonly queries: Readonly<
    Record<string, { readonly collection: string; readonly stamp: number }>
  >;
  /** Rooms, and `<collection>|<queryId>` of queries, that were left. */
  readonly released: Readonly<Record<string, number>>;
}

export const hasEnded = (record: LedgerRecord | undefined): record is undefined =>
  record === undefined || record.state === "ended";

export const newRecord = (sid: string, connection: string, n: number) => ({
  ...recordKey(sid),
  ...{ state: "connected", connection, n, epochs: new Set([n]), spare: "0123456789abcdef" },
  ...{ rooms: {}, queries: {}, released: {} },
});

/** Where the item of something released is, for a connection. */
export function releasedKey(name: string, sid: string, n: number): Key {
  const [collection = "", queryId] = name.split("|");
  return queryId === undefined ? memberKey(name, sid, n) : queryKey(collection, sid, n, queryId);
}

/** The keys of all that a record owns or has released, for some of its connections. */
export const ownedKeys = (
  sid: string,
  { rooms, queries, released }: LedgerRecord,
  epochs: Iterable<number>,
): readonly Key[] =>
  [...epochs].flatMap((n) => [
    ...Object.keys(rooms).map((room) => memberKey(room, sid, n)),
    ...Object.entries(queries).map(([queryId, { collection }]) =>
      queryKey(collection, sid, n, queryId),
    ),
    ...Object.keys(released).map((name) => releasedKey(name, sid, n)),
  ]);
