import { expiryAfter } from "./connections.ts";
import { connectionKey, placeKey, placePartition } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** The places that an organisation's connections take where their number is limited: each is one connection's. */
export interface Places {
  /** Takes a place below the limit; nothing where all are taken by connections that live. */
  take(org: string, connectionId: string, limit: number): Promise<number | undefined>;
  /** Gives a place back, once, if it is still this connection's. */
  give(org: string, place: number, connectionId: string): Promise<void>;
}

export interface PlacesParts {
  readonly table: Table;
  readonly now: () => number;
}

/** Tries of places at random before all are read. */
const GUESSES = 2;

/** Holders of places that are looked after when there seems to be none left. */
const HOLDERS_CHECKED = 100;

/**
 * The places in the table, an item each, taken by a conditional put: however many connect at once, no
 * more get in than there are places. One whose connection crashed is found when it is needed.
 */
export function createPlaces({ table, now }: PlacesParts): Places {
  return {
    async take(org, connectionId, limit) {
      for (let guess = 0; guess < GUESSES; guess += 1) {
        const place = Math.floor(Math.random() * limit);
        if (await claim(org, place, connectionId)) return place;
      }
      const taken = await holders(org);
      for (let place = 0; place < limit; place += 1)
        if (!taken.has(place) && (await claim(org, place, connectionId))) return place;
      return takeOver(org, connectionId, taken, limit);
    },

    async give(org, place, connectionId) {
      await table.remove(placeKey(org, place), {
        ConditionExpression: "holder = :id",
        ExpressionAttributeValues: { ":id": connectionId },
      });
    },
  };

  function claim(org: string, place: number, holder: string): Promise<boolean> {
    return table.create({ ...placeKey(org, place), holder, expiresAt: expiryAfter(now()) });
  }

  async function holders(org: string): Promise<ReadonlyMap<number, string>> {
    const query = {
      KeyConditionExpression: "pk = :places",
      ExpressionAttributeValues: { ":places": placePartition(org) },
      ConsistentRead: true,
    };
    const found = new Map<number, string>();
    for await (const { items } of table.pages(query))
      for (const { sk, holder } of items) found.set(Number(sk), String(holder));
    return found;
  }

  async function takeOver(
    org: string,
    connectionId: string,
    taken: ReadonlyMap<number, string>,
    limit: number,
  ): Promise<number | undefined> {
    const some = [...taken]
      .filter(([place]) => place < limit)
      .toSorted(() => Math.random() - 0.5)
      .slice(0, HOLDERS_CHECKED);
    const living = new Set(
      (await table.getAll(some.map(([, holder]) => connectionKey(holder))))
        .filter(({ endedAt }: Item) => endedAt === undefined)
        .map(({ pk }) => pk),
    );
    for (const [place, holder] of some) {
      if (living.has(connectionKey(holder).pk)) continue;
      const changed = await table.update(placeKey(org, place), {
        UpdateExpression: "SET holder = :id, expiresAt = :expiry",
        ConditionExpression: "holder = :dead",
        ExpressionAttributeValues: {
          ":id": connectionId,
          ":dead": holder,
          ":expiry": expiryAfter(now()),
        },
      });
      if (changed !== undefined) return place;
    }
    return undefined;
  }
}
