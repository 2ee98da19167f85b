import type { Contract } from "#mudbase/contract.ts";
import type { UserProfile } from "#mudbase/model/identity.ts";
import type { Room } from "#mudbase/rooms.ts";
import type { Departed } from "#server/app.ts";
import { expiryAfter } from "#server/store/connections.ts";
import { stampOf } from "#server/store/session-item.ts";
import type { Item, Storage } from "#server/store/table.ts";
import { presenceKey, presencePartition } from "./keys.ts";
import { type Settled, settleAll } from "./settle-all.ts";

/** One user who is online, as of `lastSeen` in epoch milliseconds. */
export interface OnlineUser {
  readonly userId: string;
  readonly user: UserProfile;
  readonly lastSeen: number;
}

/** A page of the users online: `count` is of all pages, `cursor` asks for the next one if there is one. */
export interface OnlinePage {
  readonly users: readonly OnlineUser[];
  readonly count: number;
  /** Set where there are more than were counted. */
  readonly countIsLowerBound?: true | undefined;
  readonly cursor?: string | undefined;
}

/** A socket of a user. */
export type Present = Pick<Departed<Contract>, "id" | "tenant" | "userId">;

/**
 * Who is online in which presence room, by their sockets. Of coming and going the one that was received later wins,
 * in whatever order they are handled.
 */
export interface Presence {
  /** Brings a socket online in rooms that it has joined; `done` are those in which its user was not online before. */
  enter(
    member: Present,
    user: UserProfile,
    rooms: readonly Room[],
    receivedAt: number,
  ): Promise<Settled<Room>>;
  /** Takes a socket offline, for good where no time is given; gives the rooms in which it was its user's last. */
  exit(member: Present, rooms: readonly Room[], receivedAt?: number): Promise<Settled<Room>>;
  /** Forgets that a socket has been online, or has gone, unless its stamp is above `upTo`. */
  forget(member: Present, rooms: readonly Room[], upTo?: number): Promise<void>;
  /** Keeps a socket's presence, which may stay for hours more. */
  refresh(member: Present, rooms: readonly Room[]): Promise<void>;
  /** The rooms of these in which the user of a socket is online. */
  onlineIn(member: Present, rooms: readonly Room[]): Promise<readonly Room[]>;
  /** Notes that the user of a socket is still there. */
  touch(member: Present, rooms: readonly Room[]): Promise<void>;
  list(
    org: string,
    room: Room,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<OnlinePage>;
}

/** A page of users stays below this many bytes, so that its packet fits API Gateway's limit. */
const PAGE_BYTES = 96 * 1024;

/** Queries that make up a page of users, and that count all of them: one reads about 5,000 users. */
const MOST_QUERIES = 4;

const self = ({ id }: Present) => new Set([id]);
const keyFor = ({ tenant, userId }: Present, room: Room) => presenceKey(tenant, room, userId);

/** Presence in the table: an item a user and room, which holds the set of the user's sockets there. */
export function createPresence(storage: Storage): Presence {
  const { table, now } = storage;
  return {
    enter: (member, user, entered, receivedAt) =>
      settleAll(entered, (room) => add(storage, member, user, room, stampOf(receivedAt))),

    exit: (member, exited, receivedAt) =>
      settleAll(exited, (room) =>
        receivedAt === undefined
          ? remove(storage, member, room)
          : drop(storage, member, room, stampOf(receivedAt, true)),
      ),

    async forget(member, forgotten, upTo = Number.MAX_SAFE_INTEGER) {
      await Promise.all(forgotten.map((room) => forget(storage, member, room, upTo)));
    },

    refresh: (member, refreshed) =>
      updateEach(storage, member, refreshed, {
        update: "SET expiresAt = :value",
        condition: "contains(known, :id)",
        value: expiryAfter(now()),
      }),

    async onlineIn(member, asked) {
      const items = await table.getAll(asked.map((room) => keyFor(member, room)));
      const online = new Set(items.filter(isOnline).map(({ pk }) => pk));
      return asked.filter((room) => online.has(keyFor(member, room).pk));
    },

    touch: (member, touched) =>
      updateEach(storage, member, touched, {
        update: "SET lastSeen = :value",
        condition: "contains(sids, :id)",
        value: now(),
      }),

    list: (org, room, page) => list(storage, presencePartition(org, room), page),
  };
}

/** Sets an attribute in each room where the condition on a socket holds. */
async function updateEach(
  { table }: Storage,
  member: Present,
  rooms: readonly Room[],
  {
    update,
    condition,
    value,
  }: Readonly<Record<"update" | "condition", string>> & { value: number },
): Promise<void> {
  await Promise.all(
    rooms.map((room) =>
      table.update(keyFor(member, room), {
        ...{ update, condition, values: { ":value": value, ":id": member.id } },
        isRepeatable: true,
      }),
    ),
  );
}

/** Where an item has the stamp of a socket. */
const stampName = ({ id }: Present) => ({ "#stamp": `stamp:${id}` });

const NOT_NEWER = "(attribute_not_exists(#stamp) OR #stamp <= :stamp)";

/** Adds a socket to its user's; tells whether it is the first. */
async function add(
  { table, now }: Storage,
  member: Present,
  user: UserProfile,
  room: Room,
  stamp: number,
): Promise<boolean> {
  const old = await table.update(keyFor(member, room), {
    update:
      "ADD sids :self, known :self SET #stamp = :stamp, #user = :user, lastSeen = :now, expiresAt = :expiry",
    condition: NOT_NEWER,
    names: { ...stampName(member), "#user": "user" },
    values: {
      ":self": self(member),
      ":stamp": stamp,
      ":user": user,
      ":now": now(),
      ":expiry": expiryAfter(now()),
    },
    ...{ returns: "UPDATED_OLD", isRepeatable: true },
  });
  // A repeated call finds what the first one has made.
  const isOwn = (sids: unknown) => sids instanceof Set && sids.size === 1 && sids.has(member.id);
  const wasRepeated = old?.[`stamp:${member.id}`] === stamp && isOwn(old.sids);
  return old !== undefined && (old.sids === undefined || wasRepeated);
}

/** Takes a socket out of its user's, and keeps when it went; tells whether it was the last. */
async function drop(
  { table, now }: Storage,
  member: Present,
  room: Room,
  stamp: number,
): Promise<boolean> {
  const before = await table.update(keyFor(member, room), {
    // Whether it is there, not yet, or not at all: what comes late must find that it has gone.
    update: "DELETE sids :self ADD known :self SET #stamp = :stamp, expiresAt = :expiry",
    condition: NOT_NEWER,
    names: stampName(member),
    values: { ":self": self(member), ":stamp": stamp, ":expiry": expiryAfter(now()) },
    ...{ returns: "ALL_OLD", isRepeatable: true },
  });
  if (before === undefined) return false;
  const { sids } = before;
  // A repeated call finds that the first one has taken it out.
  if (sids === undefined) return before[`stamp:${member.id}`] === stamp;
  return sids instanceof Set && sids.size === 1 && sids.has(member.id);
}

/** Takes a socket out of its user's that is no more; tells whether it was the last. */
async function remove(storage: Storage, member: Present, room: Room): Promise<boolean> {
  const { table } = storage;
  const key = keyFor(member, room);
  const alone = await table.remove(key, {
    condition: "known = :self",
    values: { ":self": self(member) },
  });
  if (alone !== undefined) return alone.sids !== undefined;
  const left = await table.update(key, {
    update: "DELETE sids :self",
    condition: "contains(sids, :id)",
    values: { ":self": self(member), ":id": member.id },
    returns: "ALL_NEW",
  });
  await forget(storage, member, room, Number.MAX_SAFE_INTEGER);
  return left !== undefined && left.sids === undefined;
}

async function forget(
  { table }: Storage,
  member: Present,
  room: Room,
  upTo: number,
): Promise<void> {
  const key = keyFor(member, room);
  const left = await table.update(key, {
    update: "DELETE sids :self, known :self REMOVE #stamp",
    condition: "contains(known, :id) AND #stamp <= :upTo",
    names: stampName(member),
    values: { ":self": self(member), ":id": member.id, ":upTo": upTo },
    ...{ returns: "ALL_NEW", isRepeatable: true },
  });
  // Whoever is the last that the item knows of takes it away.
  if (left !== undefined && left.known === undefined)
    await table.remove(key, { condition: "attribute_not_exists(known)" });
}

type PageRequest = Parameters<Presence["list"]>[2];

async function list(
  storage: Storage,
  partition: string,
  { limit, cursor }: PageRequest,
): Promise<OnlinePage> {
  const users: OnlineUser[] = [];
  let bytes = 0;
  let next: string | undefined;
  for await (const page of storage.table.pages(
    onlineQuery(partition, limit + 1, cursor),
    MOST_QUERIES,
  )) {
    next = page.last && String(page.last.sk);
    for (const user of page.items.map(onlineUser)) {
      bytes += Buffer.byteLength(JSON.stringify(user));
      if (users.length === limit || (bytes > PAGE_BYTES && users.length > 0))
        return { users, cursor: users.at(-1)?.userId, ...(await countAll(storage, partition)) };
      users.push(user);
    }
  }
  const isWhole = next === undefined && cursor === undefined;
  const counted = isWhole ? { count: users.length } : await countAll(storage, partition);
  return { users, cursor: next, ...counted };
}

async function countAll(
  { table }: Storage,
  partition: string,
): Promise<Pick<OnlinePage, "count" | "countIsLowerBound">> {
  const { Limit, ProjectionExpression, ExpressionAttributeNames, ...query } =
    onlineQuery(partition);
  let count = 0;
  let last: Item | undefined;
  for await (const page of table.pages({ ...query, Select: "COUNT" }, MOST_QUERIES)) {
    count += page.count;
    last = page.last;
  }
  return last === undefined ? { count } : { count, countIsLowerBound: true };
}

const onlineQuery = (partition: string, limit?: number, cursor?: string) => ({
  KeyConditionExpression: cursor === undefined ? "pk = :room" : "pk = :room AND sk > :cursor",
  FilterExpression: "attribute_exists(sids)",
  ExpressionAttributeValues: {
    ":room": partition,
    ...(cursor !== undefined && { ":cursor": cursor }),
  },
  ProjectionExpression: "sk, #user, lastSeen",
  ExpressionAttributeNames: { "#user": "user" },
  ...(limit !== undefined && { Limit: limit }),
});

const isOnline = ({ sids }: Item): boolean => sids !== undefined;

const onlineUser = ({ sk, user, lastSeen }: Item): OnlineUser => ({
  userId: String(sk),
  user: user as UserProfile,
  lastSeen: Number(lastSeen),
});
