import type { Integration, IntegrationKey } from "#mudbase/model/integration.ts";
import type { Storage } from "#server/store/table.ts";
import { createIntegrations, type Integrations, integrationOf } from "./integrations.ts";
import { integrationKey, integrationPartition, webhookOwnerKey } from "./keys.ts";

/** The integrations as those who register them know them. */
export interface IntegrationRegistry extends Integrations {
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
}

/** The registry in the table. */
export function createIntegrationRegistry(storage: Storage): IntegrationRegistry {
  const { table } = storage;
  return {
    ...createIntegrations(storage),

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
  };

  async function releaseWebhooks({ org, projectId, integrationId }: IntegrationKey) {
    await table.remove(webhookOwnerKey(projectId, integrationId), {
      condition: "org = :org",
      values: { ":org": org },
    });
  }
}
