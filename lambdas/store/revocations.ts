import type { Identity } from "#model/identity.ts";
import { type RevokedKind, revocationKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** What has been revoked: users, sessions (`sid`) and tokens (`jti`). */
export interface Revocations {
  /** Whether the user, the session or the token of an identity is revoked. */
  concern(identity: Identity): Promise<boolean>;
  /** Revokes a user, a session or a token. */
  add(org: string, kind: RevokedKind, id: string): Promise<void>;
  /** Takes a revocation back. */
  remove(org: string, kind: RevokedKind, id: string): Promise<void>;
}

/** The revocations in the table. */
export const createRevocations = (table: Table): Revocations => ({
  add: (org, kind, id) => table.put({ ...revocationKey(org, kind, id) }),
  remove: async (org, kind, id) => void (await table.remove(revocationKey(org, kind, id))),

  async concern({ org, userId, sessionId, tokenId }) {
    const keys = [revocationKey(org, "user", userId)];
    if (sessionId !== undefined) keys.push(revocationKey(org, "session", sessionId));
    if (tokenId !== undefined) keys.push(revocationKey(org, "token", tokenId));
    return (await table.getAll(keys)).length > 0;
  },
});
