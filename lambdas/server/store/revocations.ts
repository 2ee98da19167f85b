import type { Identity } from "#mudbase/model/identity.ts";
import { limitKey, type RevokedKind, revocationKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** What has been revoked: users, sessions (`sid`) and tokens (`jti`). */
export interface Revocations {
  /** Whether the user, the session or the token of an identity is revoked; in the same read, its organisation's own limit. */
  concern(
    identity: Identity,
  ): Promise<{ readonly isRevoked: boolean; readonly connectionLimit?: number | undefined }>;
  /** Revokes a user, a session or a token. */
  add(org: string, kind: RevokedKind, id: string): Promise<void>;
  /** Gives an organisation a limit of its own; 0 takes it away. */
  limit(org: string, connections: number): Promise<void>;
  /** Takes a revocation back. */
  remove(org: string, kind: RevokedKind, id: string): Promise<void>;
}

/** The revocations in the table. */
export const createRevocations = (table: Table): Revocations => ({
  add: (org, kind, id) => table.put({ ...revocationKey(org, kind, id) }),
  remove: async (org, kind, id) => void (await table.remove(revocationKey(org, kind, id))),
  async limit(org, connections) {
    if (connections > 0) await table.put({ ...limitKey(org), connections });
    else await table.remove(limitKey(org));
  },

  async concern({ org, userId, sessionId, tokenId }) {
    const keys = [revocationKey(org, "user", userId)];
    if (sessionId !== undefined) keys.push(revocationKey(org, "session", sessionId));
    if (tokenId !== undefined) keys.push(revocationKey(org, "token", tokenId));
    const limit = limitKey(org);
    const found = await table.getAll([...keys, limit]);
    const own = found.find(({ pk }) => pk === limit.pk);
    return {
      isRevoked: found.length > (own === undefined ? 0 : 1),
      connectionLimit: own === undefined ? undefined : Number(own.connections),
    };
  },
});
