import type { Revocations } from "./adapter.ts";
import { limitKey, revocationKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** The revocations in the table. */
export const createRevocations = (table: Table): Revocations => ({
  add: (tenant, credential) => table.put({ ...revocationKey(tenant, credential) }),
  remove: async (tenant, credential) =>
    void (await table.remove(revocationKey(tenant, credential))),
  async limit(tenant, connections) {
    if (connections > 0) await table.put({ ...limitKey(tenant), connections });
    else await table.remove(limitKey(tenant));
  },

  async check(tenant, credentials) {
    const limit = limitKey(tenant);
    const keys = [...new Set(credentials)].map((credential) => revocationKey(tenant, credential));
    const found = await table.getAll([...keys, limit]);
    const own = found.find(({ pk }) => pk === limit.pk);
    return {
      isRevoked: found.length > (own === undefined ? 0 : 1),
      connectionLimit: own === undefined ? undefined : Number(own.connections),
    };
  },
});
