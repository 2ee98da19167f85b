import type { Contract } from "#mudbase/contract.ts";
import type { UserProfile } from "#mudbase/model/identity.ts";
import type { Room } from "#mudbase/rooms.ts";
import type { Departed } from "#server/app.ts";
import { expiryAfter } from "#server/store/connections.ts";
import { stampOf } from "#server/store/session-item.ts";
import type { Condition, Item, Storage } from "#server/store/table.ts";
import { presenceKey, presencePartition } from "./keys.ts";
import { listOnline, type OnlinePage, type PageRequest } from "./presence-list.ts";
import { type Settled, settleAll } from "./settle-all.ts";

/** A socket of a user. */
export type Present = Pick<Departed<Contract>, "id" | "tenant" | "userId">;

/** Whether a user is online in a room. */
export interface Status {
  readonly room: Room;
  readonly isOnline: boolean;
}

/**
 * Who is online in which presence room, by their sockets. Of coming and going the one that was received later wins,
 * in whatever order they are handled. What a socket changes is noted as not announced until it is confirmed: whoever
 * repeats what has broken off in between is given it again.
 */
export interface Presence {
  /** Brings a socket online in rooms that it has joined; `done` is what others are to be notified of. */
  enter(
    member: Present,
    user: UserProfile,
    rooms: readonly Room[],
    receivedAt: number,
  ): Promise<Settled<Status>>;
  /** Takes a socket offline, for good where no time is given; `done` is what others are to be notified of. */
  exit(member: Present, rooms: readonly Room[], receivedAt?: number): Promise<Settled<Status>>;
  /**
   * Confirms that others were notified of what a socket has changed, and forgets one that has gone for good;
   * gives what is so instead where that has changed again.
   */
  confirm(
    member: Present,
    announced: readonly Status[],
    isGone: boolean,
  ): Promise<readonly Status[]>;
  /** Forgets that a socket has been online, or has gone, unless its stamp is above `upTo`. */
  forget(member: Present, rooms: readonly Room[], upTo?: number): Promise<void>;
  /** Keeps a socket's presence, which may stay for hours more. */
  refresh(member: Present, rooms: readonly Room[]): Promise<void>;
  /** Notes that the user of a socket is still there. */
  touch(member: Present, rooms: readonly Room[]): Promise<void>;
  list(org: string, room: Room, page: PageRequest): Promise<OnlinePage>;
}

/** The stamp of what is no more: no command comes after it. */
const GONE = Number.MAX_SAFE_INTEGER;

const self = ({ id }: Present) => new Set([id]);
const keyFor = ({ tenant, userId }: Present, room: Room) => presenceKey(tenant, room, userId);

/**
 * Presence in the table: an item a user and room. Of the user's sockets it holds those that are online there (`sids`),
 * all of which it has a stamp (`known`), and those whose last change may not have been announced (`announcing`).
 */
export function createPresence(storage: Storage): Presence {
  const { now } = storage;
  return {
    enter: (member, user, entered, receivedAt) =>
      settleAll(entered, (room) => add(storage, member, user, room, stampOf(receivedAt))),

    exit: (member, exited, receivedAt) =>
      settleAll(exited, (room) =>
        receivedAt === undefined
          ? remove(storage, member, room)
          : drop(storage, member, room, stampOf(receivedAt, true)),
      ),

    async confirm(member, announced, isGone) {
      const isSo = await Promise.all(
        announced.map((status) => confirm(storage, member, status, isGone)),
      );
      return announced
        .filter((_, index) => !isSo[index])
        .map(({ room, isOnline }) => ({ room, isOnline: !isOnline }));
    },

    async forget(member, forgotten, upTo = GONE) {
      const upToThen = {
        condition: "#stamp <= :upTo",
        ...{ names: stampName(member), values: { ":upTo": upTo } },
      };
      await Promise.all(forgotten.map((room) => forget(storage, member, room, upToThen)));
    },

    refresh: (member, refreshed) =>
      updateEach(storage, member, refreshed, {
        update: "SET expiresAt = :value",
        condition: "contains(known, :id)",
        value: expiryAfter(now()),
      }),

    touch: (member, touched) =>
      updateEach(storage, member, touched, {
        update: "SET lastSeen = :value",
        condition: "contains(sids, :id)",
        value: now(),
      }),

    list: (org, room, page) => listOnline(storage, presencePartition(org, room), page),
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

const HAS_STAMP = "attribute_exists(#stamp)";
const NOT_NEWER = "(attribute_not_exists(#stamp) OR #stamp <= :stamp)";

/** What an item said of a user before a socket changed it. */
function readBefore({ sids, announcing, ...rest }: Item, { id }: Present) {
  const online = sids instanceof Set ? sids : new Set();
  const others = online.size - (online.has(id) ? 1 : 0);
  return {
    isIn: online.has(id),
    areOthersIn: others > 0,
    isAnnouncing: announcing instanceof Set && announcing.has(id),
    stamp: rest[`stamp:${id}`],
  };
}

/** Adds a socket to its user's, of whom it may be the first. */
async function add(
  storage: Storage,
  member: Present,
  user: UserProfile,
  room: Room,
  stamp: number,
): Promise<Status | undefined> {
  const { table, now } = storage;
  const old = await table.update(keyFor(member, room), {
    update:
      "ADD sids :self, known :self, announcing :self SET #stamp = :stamp, #user = :user, lastSeen = :now, expiresAt = :expiry",
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
  if (old === undefined) return undefined;
  const { isIn, areOthersIn, isAnnouncing } = readBefore(old, member);
  if (isAnnouncing || !(isIn || areOthersIn)) return { room, isOnline: true };
  await unmark(storage, member, room, { condition: "attribute_exists(known)" });
  return undefined;
}

/** Takes a socket out of its user's, of whom it may be the last, and keeps when it went. */
async function drop(
  storage: Storage,
  member: Present,
  room: Room,
  stamp: number,
): Promise<Status | undefined> {
  // Whether it is there, not yet, or not at all: what comes late must find that it has gone.
  const before = await takeOut(storage, member, room, { stamp, condition: NOT_NEWER });
  if (before === undefined) return undefined;
  const { isIn, areOthersIn, isAnnouncing } = before;
  if (isAnnouncing || (isIn && !areOthersIn)) return { room, isOnline: areOthersIn };
  await unmark(storage, member, room, { condition: "attribute_exists(known)" });
  return undefined;
}

/** Takes a socket out of its user's that is no more, and may have been the last. */
async function remove(storage: Storage, member: Present, room: Room): Promise<Status | undefined> {
  const before = await takeOut(storage, member, room, { stamp: GONE, condition: HAS_STAMP });
  if (before === undefined) return undefined;
  const { isIn, areOthersIn, isAnnouncing, stamp } = before;
  if (isIn && !areOthersIn) return { room, isOnline: false };
  // Another function may be announcing what it did before, and forgets it then: what is left is found by a repeat.
  if (isAnnouncing) return stamp === GONE ? { room, isOnline: areOthersIn } : undefined;
  await forget(storage, member, room, { condition: HAS_STAMP, names: stampName(member) });
  return undefined;
}

async function takeOut(
  { table, now }: Storage,
  member: Present,
  room: Room,
  { stamp, condition }: { readonly stamp: number; readonly condition: string },
): Promise<ReturnType<typeof readBefore> | undefined> {
  const before = await table.update(keyFor(member, room), {
    update:
      "DELETE sids :self ADD known :self, announcing :self SET #stamp = :stamp, expiresAt = :expiry",
    condition,
    names: stampName(member),
    values: { ":self": self(member), ":stamp": stamp, ":expiry": expiryAfter(now()) },
    ...{ returns: "ALL_OLD", isRepeatable: true },
  });
  return before && readBefore(before, member);
}

/** Tells whether what others were notified of is still so; then it is no longer noted as not announced. */
async function confirm(
  storage: Storage,
  member: Present,
  { room, isOnline }: Status,
  isGone: boolean,
): Promise<boolean> {
  const done = isGone ? forget : unmark;
  if (isOnline) return done(storage, member, room, { condition: "attribute_exists(sids)" });
  const condition = "attribute_not_exists(sids) AND attribute_exists(known)";
  if (await done(storage, member, room, { condition })) return true;
  // Somebody is online, or nothing is left of anybody.
  const [item] = await storage.table.getAll([keyFor(member, room)]);
  return item?.sids === undefined;
}

type Where = Condition & { readonly condition: string };

/** Notes that a socket's last change was announced; one that has ended meanwhile is forgotten. */
async function unmark(
  storage: Storage,
  member: Present,
  room: Room,
  { condition }: Where,
): Promise<boolean> {
  const left = await storage.table.update(keyFor(member, room), {
    update: "DELETE announcing :self",
    ...{ condition, values: { ":self": self(member) } },
    ...{ returns: "ALL_NEW", isRepeatable: true },
  });
  if (left?.[`stamp:${member.id}`] === GONE)
    await forget(storage, member, room, { condition: HAS_STAMP, names: stampName(member) });
  return left !== undefined;
}

/** Forgets a socket where the condition holds; tells whether it did. */
async function forget(
  { table }: Storage,
  member: Present,
  room: Room,
  { condition, ...more }: Where,
): Promise<boolean> {
  const key = keyFor(member, room);
  const values = { ":self": self(member), ...more.values };
  const withAll = () =>
    table.remove(key, {
      condition: `known = :self AND ${condition}`,
      ...{ ...more, values },
    });
  const alone = () =>
    table.update(key, {
      update: "DELETE sids :self, known :self, announcing :self REMOVE #stamp",
      condition: `known <> :self AND ${condition}`,
      ...{ names: stampName(member), values, isRepeatable: true },
    });
  // No item is left that knows of nobody: the others may have been forgotten in between.
  return ((await withAll()) ?? (await alone()) ?? (await withAll())) !== undefined;
}
