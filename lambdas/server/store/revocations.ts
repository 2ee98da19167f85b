import type { Revocations } from "./adapter.ts";
import { connectionOf } from "./connections.ts";
import { connectionKey, type Key, limitKey, revocationKey } from "./keys.ts";
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

  async check(tenant, credentials, connectionId) {
    const limit = limitKey(tenant);
    const keys = [...new Set(credentials)].map((credential) => revocationKey(tenant, credential));
    const own = connectionId === undefined ? [] : [connectionKey(connectionId)];
    const found = await table.getAll([...keys, limit, ...own]);
    const find = (key: Key | undefined) => found.find(({ pk }) => pk === key?.pk);
    const limited = find(limit);
    return {
      isRevoked: keys.some((key) => find(key) !== undefined),
      connectionLimit: limited === undefined ? undefined : Number(limited.connections),
      connection: connectionOf(find(own[0])),
    };
  },
});
