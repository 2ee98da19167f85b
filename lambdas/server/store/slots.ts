import type { SocketKey } from "#server/model/session.ts";
import type { Slots } from "./adapter.ts";
import { expiryAfter } from "./connections.ts";
import { connectionKey, sessionKey, slotKey, slotPartition } from "./keys.ts";
import type { Item, Storage } from "./table.ts";

/** Slots tried at random before any are read. */
const GUESSES = 2;

/** Neighbouring slots that are read where both guesses failed: all of them in most tenants. */
const WINDOW = 1000;

/** Slots that are tried of those that were found free, and of those whose holder is gone. */
const TRIES = 5;

/** Holders of slots that are looked after when there seems to be none left. */
const HOLDERS_CHECKED = 50;

/** Whose a slot is: a session, on the connection that it began on. */
type Holder = Pick<SocketKey, "sid" | "connectionId">;

/**
 * The slots in the table, an item each, acquired by a conditional put: however many connect at once, no
 * more get in than there are slots. One whose connection crashed is found when it is needed. What
 * one connection costs has a bound, however many slots there are: two guesses, and then a window of
 * a thousand of them, wherever it falls.
 */
export function createSlots(storage: Storage): Slots {
  return {
    async acquire(tenant, socket, limit) {
      for (let guess = 0; guess < GUESSES; guess += 1) {
        const slot = Math.floor(Math.random() * limit);
        if (await claim(storage, tenant, slot, socket)) return slot;
      }
      const first = Math.floor(Math.random() * Math.max(1, limit - WINDOW + 1));
      const window = Array.from({ length: Math.min(WINDOW, limit) }, (_, index) => first + index);
      const taken = await holders(storage, tenant, window);
      for (const slot of some(
        window.filter((one) => !taken.has(one)),
        TRIES,
      ))
        if (await claim(storage, tenant, slot, socket)) return slot;
      return takeOver(storage, tenant, socket, taken);
    },

    async refresh(tenant, slot, { sid, connectionId }) {
      await storage.table.update(slotKey(tenant, slot), {
        update: "SET holder = :holder, expiresAt = :expiry",
        condition: "sid = :sid",
        values: { ":sid": sid, ":holder": connectionId, ":expiry": expiryAfter(storage.now()) },
        isRepeatable: true,
      });
    },

    async release(tenant, slot, { sid }) {
      await storage.table.remove(slotKey(tenant, slot), {
        condition: "sid = :sid",
        values: { ":sid": sid },
      });
    },
  };
}

function claim(
  { table, now }: Storage,
  tenant: string,
  slot: number,
  { sid, connectionId: holder }: SocketKey,
): Promise<boolean> {
  return table.create({ ...slotKey(tenant, slot), holder, sid, expiresAt: expiryAfter(now()) });
}

async function holders(
  { table }: Storage,
  tenant: string,
  window: readonly number[],
): Promise<ReadonlyMap<number, Holder>> {
  const { items } = await table.page({
    KeyConditionExpression: "pk = :slots AND sk BETWEEN :first AND :last",
    ExpressionAttributeValues: {
      ":slots": slotPartition(tenant),
      ":first": slotKey(tenant, window.at(0) ?? 0).sk,
      ":last": slotKey(tenant, window.at(-1) ?? 0).sk,
    },
    ConsistentRead: true,
  });
  return new Map(
    items.map(({ sk, sid, holder }) => [
      Number(sk),
      { sid: String(sid), connectionId: String(holder) },
    ]),
  );
}

/** Takes the slot of a session that is no more, and of one that never began on its connection. */
async function takeOver(
  { table, now }: Storage,
  tenant: string,
  { sid, connectionId }: SocketKey,
  taken: ReadonlyMap<number, Holder>,
): Promise<number | undefined> {
  const checked = some([...taken], HOLDERS_CHECKED);
  const keysOf = (holder: Holder) => [sessionKey(holder.sid), connectionKey(holder.connectionId)];
  const living = new Set(
    (await table.getAll(checked.flatMap(([, holder]) => keysOf(holder))))
      .filter(({ endedAt }: Item) => endedAt === undefined)
      .map(({ pk }) => pk),
  );
  const dead = checked.filter(([, holder]) => !keysOf(holder).some(({ pk }) => living.has(pk)));
  for (const [slot, holder] of dead.slice(0, TRIES)) {
    const changed = await table.update(slotKey(tenant, slot), {
      update: "SET holder = :id, sid = :sid, expiresAt = :expiry",
      condition: "sid = :dead",
      values: {
        ":id": connectionId,
        ":sid": sid,
        ":dead": holder.sid,
        ":expiry": expiryAfter(now()),
      },
    });
    if (changed !== undefined) return slot;
  }
  return undefined;
}

/** Some of these, by chance: whoever comes at the same time takes others. */
const some = <Entry>(entries: readonly Entry[], most: number): readonly Entry[] =>
  entries.toSorted(() => Math.random() - 0.5).slice(0, most);
