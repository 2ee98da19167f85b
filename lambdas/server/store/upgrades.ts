import type { Upgrades } from "#server/model/polling.ts";
import { connectionOf, EXISTS, expiryAfter, shardOf } from "./connections.ts";
import { connectionKey, memberKey, sessionKey } from "./keys.ts";
import type { Table } from "./table.ts";

/** Links in the table: each is a connection of API Gateway's that has nothing of its own. */
export const createUpgrades = (table: Table, shards: number): Upgrades => ({
  async add(link, connectedAt, owner) {
    const item = {
      ...connectionKey(link),
      ...{ connectedAt, owner, expiresAt: expiryAfter(connectedAt) },
      // Until it is known to have taken over: the sweep takes care of one that never does.
      shard: shardOf(link, shards),
    };
    await table.putIf(item, { condition: "attribute_not_exists(pk)" });
  },

  async note(link, owner) {
    const noted = await table.update(connectionKey(owner), {
      update: "SET link = :link",
      condition: EXISTS,
      values: { ":link": link },
      ...{ returns: "ALL_NEW", isRepeatable: true },
    });
    return connectionOf(noted);
  },

  async keep(link) {
    await table.update(connectionKey(link), {
      update: "REMOVE #shard",
      condition: EXISTS,
      names: { "#shard": "shard" },
      isRepeatable: true,
    });
  },

  async noteSession(sid, connectionId, link) {
    await table.update(sessionKey(sid), {
      update: "SET link = :link",
      condition: `${EXISTS} AND connectionId = :connection`,
      values: { ":link": link, ":connection": connectionId },
      isRepeatable: true,
    });
  },

  async noteMembers(members, link) {
    await Promise.all(
      members.map(({ sid, connectedAt, ...room }) =>
        table.update(memberKey(room, sid, connectedAt), {
          update: "SET link = :link",
          // Not where it has left.
          condition: "attribute_exists(address)",
          values: { ":link": link },
          isRepeatable: true,
        }),
      ),
    );
  },
});
