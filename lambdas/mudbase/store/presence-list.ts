import type { UserProfile } from "#mudbase/model/identity.ts";
import type { Item, Storage } from "#server/store/table.ts";

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

/** A page of users stays below this many bytes, so that its packet fits API Gateway's limit. */
const PAGE_BYTES = 96 * 1024;

/** Queries that make up a page of users, and that count all of them: one reads about 5,000 users. */
const MOST_QUERIES = 4;

/** Which page, of how many users at most. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The users online in a room, a page at a time. */
export async function listOnline(
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

const onlineUser = ({ sk, user, lastSeen }: Item): OnlineUser => ({
  userId: String(sk),
  user: user as UserProfile,
  lastSeen: Number(lastSeen),
});
