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

/** Tries of places at random before any are read. */
const GUESSES = 2;

/** Neighbouring places that are read where both guesses failed: all of them in most organisations. */
const WINDOW = 1000;

/** Places that are tried to take of those that were found free, and of those whose holder is gone. */
const TRIES = 5;

/** Holders of places that are looked after when there seems to be none left. */
const HOLDERS_CHECKED = 100;

/**
 * The places in the table, an item each, taken by a conditional put: however many connect at once, no
 * more get in than there are places. One whose connection crashed is found when it is needed. What
 * one connection costs has a bound, however many places there are: two guesses, and then a window of
 * a thousand of them, wherever it falls.
 */
export function createPlaces({ table, now }: PlacesParts): Places {
  return {
    async take(org, connectionId, limit) {
      for (let guess = 0; guess < GUESSES; guess += 1) {
        const place = Math.floor(Math.random() * limit);
        if (await claim(org, place, connectionId)) return place;
      }
      const first = Math.floor(Math.random() * Math.max(1, limit - WINDOW + 1));
      const window = Array.from({ length: Math.min(WINDOW, limit) }, (_, index) => first + index);
      const taken = await holders(org, window);
      for (const place of some(
        window.filter((one) => !taken.has(one)),
        TRIES,
      ))
        if (await claim(org, place, connectionId)) return place;
      return takeOver(org, connectionId, taken);
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

  async function holders(
    org: string,
    window: readonly number[],
  ): Promise<ReadonlyMap<number, string>> {
    const { items } = await table.page({
      KeyConditionExpression: "pk = :places AND sk BETWEEN :first AND :last",
      ExpressionAttributeValues: {
        ":places": placePartition(org),
        ":first": placeKey(org, window.at(0) ?? 0).sk,
        ":last": placeKey(org, window.at(-1) ?? 0).sk,
      },
      ConsistentRead: true,
    });
    return new Map(items.map(({ sk, holder }) => [Number(sk), String(holder)]));
  }

  /** Takes the place of a connection that is gone. */
  async function takeOver(
    org: string,
    connectionId: string,
    taken: ReadonlyMap<number, string>,
  ): Promise<number | undefined> {
    const checked = some([...taken], HOLDERS_CHECKED);
    // One holder may have two: its first try to connect broke off.
    const keys = [...new Set(checked.map(([, holder]) => holder))].map(connectionKey);
    const living = new Set(
      (await table.getAll(keys))
        .filter(({ endedAt }: Item) => endedAt === undefined)
        .map(({ pk }) => pk),
    );
    const dead = checked.filter(([, holder]) => !living.has(connectionKey(holder).pk));
    for (const [place, holder] of dead.slice(0, TRIES)) {
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

/** Some of these, by chance: whoever comes at the same time takes others. */
const some = <Entry>(entries: readonly Entry[], most: number): readonly Entry[] =>
  entries.toSorted(() => Math.random() - 0.5).slice(0, most);
