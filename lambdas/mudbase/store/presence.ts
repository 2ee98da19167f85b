import type { Contract } from "#mudbase/contract.ts";
import type { UserProfile } from "#mudbase/model/identity.ts";
import type { Room } from "#mudbase/rooms.ts";
import type { Departed } from "#server/app.ts";
import { expiryAfter } from "#server/store/connections.ts";
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

/** Who is online in which presence room, by their sockets. */
export interface Presence {
  /** Brings a socket online in rooms that it has joined; `done` are those in which its user was not online before. */
  enter(member: Present, user: UserProfile, rooms: readonly Room[]): Promise<Settled<Room>>;
  /** Takes a socket offline and gives the rooms in which it was its user's last. */
  exit(member: Present, rooms: readonly Room[]): Promise<Settled<Room>>;
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
    enter: (member, user, entered) =>
      settleAll(entered, (room) => add(storage, member, user, room)),

    exit: (member, exited) => settleAll(exited, (room) => drop(storage, member, room)),

    async onlineIn(member, asked) {
      const items = await table.getAll(asked.map((room) => keyFor(member, room)));
      const online = new Set(items.filter(isOnline).map(({ pk }) => pk));
      return asked.filter((room) => online.has(keyFor(member, room).pk));
    },

    async touch(member, touched) {
      await Promise.all(
        touched.map((room) =>
          table.update(keyFor(member, room), {
            update: "SET lastSeen = :now",
            condition: "contains(sids, :id)",
            values: { ":now": now(), ":id": member.id },
          }),
        ),
      );
    },

    list: (org, room, page) => list(storage, presencePartition(org, room), page),
  };
}

/** Adds a socket to its user's; tells whether it is the first. */
async function add(
  { table, now }: Storage,
  member: Present,
  user: UserProfile,
  room: Room,
): Promise<boolean> {
  const old = await table.update(keyFor(member, room), {
    update: "ADD sids :self SET #user = :user, lastSeen = :now, expiresAt = :expiry",
    names: { "#user": "user" },
    values: {
      ":self": self(member),
      ":user": user,
      ":now": now(),
      ":expiry": expiryAfter(now()),
    },
    returns: "UPDATED_OLD",
  });
  return old?.sids === undefined;
}

async function drop({ table }: Storage, member: Present, room: Room): Promise<boolean> {
  const key = keyFor(member, room);
  const wasAlone = await table.remove(key, {
    condition: "sids = :self",
    values: { ":self": self(member) },
  });
  if (wasAlone !== undefined) return true;

  const left = await table.update(key, {
    update: "DELETE sids :self",
    condition: "contains(sids, :id)",
    values: { ":self": self(member), ":id": member.id },
    returns: "ALL_NEW",
  });
  if (left === undefined || left.sids !== undefined) return false;

  // The others left between the two calls: the last one out removes the item.
  await table.remove(key, { condition: "attribute_not_exists(sids)" });
  return true;
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
