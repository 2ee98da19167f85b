import type { Integration, IntegrationKey, Usage } from "#mudbase/model/integration.ts";
import type { Item, Storage } from "#server/store/table.ts";
import { integrationKey, minuteKey, usageKey } from "./keys.ts";

const MINUTE = 60_000;

/** The integrations as those who call them know them, and how much each is used. */
export interface Integrations {
  find(key: IntegrationKey): Promise<Integration | undefined>;
  /** Counts a call and what became of it. */
  countUse(key: IntegrationKey, use: { failed: boolean; at: string }): Promise<Usage>;
  usage(key: IntegrationKey): Promise<Usage>;
  /** Takes one of this minute's calls; where none is left, the milliseconds until there are. */
  takeTurn(key: IntegrationKey, perMinute: number): Promise<{ retryAfterMs: number } | "taken">;
}

/** The integrations in the table. */
export function createIntegrations({ table, now }: Storage): Integrations {
  return {
    async find(key) {
      const item = await table.get(integrationKey(key));
      return item && integrationOf(item);
    },

    async countUse(key, { failed, at }) {
      const counted = await table.update(usageKey(key), {
        update: "ADD calls :one, errors :failed SET lastUsed = :at",
        values: { ":one": 1, ":failed": failed ? 1 : 0, ":at": at },
        returns: "ALL_NEW",
      });
      return usageOf(counted);
    },

    usage: async (key) => usageOf(await table.get(usageKey(key))),

    async takeTurn(key, perMinute) {
      const minute = Math.floor(now() / MINUTE);
      const taken = await table.update(minuteKey(key, minute), {
        update: "ADD calls :one SET expiresAt = :expiry",
        condition: "attribute_not_exists(calls) OR calls < :most",
        values: {
          ":one": 1,
          ":most": perMinute,
          ":expiry": ((minute + 2) * MINUTE) / 1000,
        },
      });
      return taken === undefined ? { retryAfterMs: (minute + 1) * MINUTE - now() } : "taken";
    },
  };
}

// What is stored was checked when it was put.
export const integrationOf = ({ integration }: Item): Integration =>
  JSON.parse(String(integration)) as Integration;

const usageOf = (item: Item | undefined): Usage => ({
  calls: Number(item?.calls ?? 0),
  errors: Number(item?.errors ?? 0),
  lastUsed: item?.lastUsed === undefined ? undefined : String(item.lastUsed),
});
