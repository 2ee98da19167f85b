import type { Integration, IntegrationKey, Usage } from "#mudbase/model/integration.ts";
import type { Item, Storage } from "#server/store/table.ts";
import {
  integrationKey,
  integrationPartition,
  minuteKey,
  usageKey,
  webhookOwnerKey,
} from "./keys.ts";

const MINUTE = 60_000;

/** The registry of integrations, and how much each is used. */
export interface Integrations {
  find(key: IntegrationKey): Promise<Integration | undefined>;
  /** A page of a project's integrations; `cursor` asks for the next one if there is one. */
  list(
    org: string,
    projectId: string,
    cursor?: string,
  ): Promise<{
    readonly integrations: readonly Integration[];
    readonly cursor?: string | undefined;
  }>;
  /** `taken` where the webhooks of this project and id are another organisation's. */
  put(org: string, integration: Integration): Promise<"put" | "taken">;
  remove(key: IntegrationKey): Promise<boolean>;
  /** Whose webhooks a public path leads to. */
  webhookOwner(projectId: string, integrationId: string): Promise<string | undefined>;
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

    async list(org, projectId, cursor) {
      const { items, last } = await table.page({
        KeyConditionExpression: `pk = :project${cursor === undefined ? "" : " AND sk > :cursor"}`,
        ExpressionAttributeValues: {
          ":project": integrationPartition(org, projectId),
          ...(cursor !== undefined && { ":cursor": cursor }),
        },
      });
      return { integrations: items.map(integrationOf), cursor: last && String(last.sk) };
    },

    async put(org, integration) {
      const { projectId, integrationId, webhook } = integration;
      const owner = webhookOwnerKey(projectId, integrationId);
      if (webhook !== undefined && !(await table.create({ ...owner, org }))) {
        const { org: other } = (await table.get(owner)) ?? {};
        if (other !== org) return "taken";
      }
      if (webhook === undefined) await releaseWebhooks({ org, projectId, integrationId });
      const key = integrationKey({ org, projectId, integrationId });
      await table.put({ ...key, integration: JSON.stringify(integration) });
      return "put";
    },

    async remove(key) {
      const removed = await table.remove(integrationKey(key));
      await releaseWebhooks(key);
      return removed !== undefined;
    },

    async webhookOwner(projectId, integrationId) {
      const { org } = (await table.get(webhookOwnerKey(projectId, integrationId))) ?? {};
      return org === undefined ? undefined : String(org);
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

  async function releaseWebhooks({ org, projectId, integrationId }: IntegrationKey) {
    await table.remove(webhookOwnerKey(projectId, integrationId), {
      condition: "org = :org",
      values: { ":org": org },
    });
  }
}

// What is stored was checked when it was put.
const integrationOf = ({ integration }: Item): Integration =>
  JSON.parse(String(integration)) as Integration;

const usageOf = (item: Item | undefined): Usage => ({
  calls: Number(item?.calls ?? 0),
  errors: Number(item?.errors ?? 0),
  lastUsed: item?.lastUsed === undefined ? undefined : String(item.lastUsed),
});
