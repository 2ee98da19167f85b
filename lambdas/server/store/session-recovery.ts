import { MOST_EPOCHS, MOST_REPLAYED } from "#server/model/recovery.ts";
import type { StoredSession, TakeRequest } from "#server/model/session.ts";
import type { Sessions } from "./adapter.ts";
import { EXISTS, expiryAfter, pageOfShard, shardOf, shardQuery } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import { readLiving, recordOf, SPARE } from "./session-item.ts";
import { type Storage, unlessFull } from "./table.ts";

/** Shards of lost sessions have numbers of their own, beside those of connections in the same index. */
const FIRST_LOST_SHARD = 1000;

const SESSIONS_A_PAGE = 1000;

type Recovery = Pick<
  Sessions,
  | "take"
  | "note"
  | "complete"
  | "lose"
  | "giveUp"
  | "markAway"
  | "markBack"
  | "hasLost"
  | "lostInShard"
>;

/** Sessions that lose their connection, and come back by another. */
export const createSessionRecovery = (storage: Storage, shards: number): Recovery => {
  const shardFor = (sid: string) => FIRST_LOST_SHARD + shardOf(sid, shards);
  return {
    ...createReturns(storage, shardFor),
    ...createLosses(storage, shardFor),
    async hasLost(shard) {
      const query = shardQuery(FIRST_LOST_SHARD + shard, undefined, 1);
      return (await storage.table.page(query)).items.length > 0;
    },
    lostInShard: (shard, from) => lostInShard(storage, FIRST_LOST_SHARD + shard, from),
  };
};

type ShardFor = (sid: string) => number;

function createReturns(
  { table, now }: Storage,
  shardFor: ShardFor,
): Pick<Recovery, "take" | "note" | "complete"> {
  return {
    async take(request) {
      const key = sessionKey(request.sid);
      const update = takeUpdate(request, now(), shardFor(request.sid));
      const taken = await unlessFull(table.update(key, update));
      if (taken === "full") return undefined;
      return taken === undefined ? readLiving(table, request.sid) : recordOf(taken);
    },

    async note({ sid, connectedAt, pending }, { room, id, field, isShared }) {
      if (pending.size >= MOST_REPLAYED) return "full";
      const noted = await unlessFull(
        table.update(sessionKey(sid), {
          update: "ADD pending :packet",
          condition: RECOVERING,
          names: STATE,
          values: {
            ...{ ":packet": new Set([JSON.stringify([room, id, field, isShared])]) },
            ...{ ":connectedAt": connectedAt, ":recovering": "recovering" },
          },
          isRepeatable: true,
        }),
      );
      return noted === "full" ? "full" : noted !== undefined;
    },

    async complete(session, replayed, floor) {
      const done = await table.update(
        sessionKey(session.sid),
        completeUpdate(session, replayed, floor, now()),
      );
      const after = recordOf(done ?? (await table.get(sessionKey(session.sid))));
      return after?.endedAt === undefined && after?.connectedAt === session.connectedAt
        ? after
        : undefined;
    },
  };
}

function createLosses(
  { table, now }: Storage,
  shardFor: ShardFor,
): Pick<Recovery, "lose" | "giveUp" | "markAway" | "markBack"> {
  // Functions without clients of their own may only read batches.
  const known = async (sid: string) => (await table.getAll([sessionKey(sid)])).map(recordOf);
  return {
    async lose(sid, connectionId, reason) {
      const lost = await table.update(sessionKey(sid), {
        update:
          "SET #state = :detached, lostAt = :now, #shard = :shard, #reason = :reason REMOVE spare",
        condition: `${EXISTS} AND connectionId = :connection AND #state <> :detached`,
        names: { ...STATE, "#shard": "shard", "#reason": "reason" },
        values: {
          ...{ ":detached": "detached", ":now": now(), ":shard": shardFor(sid) },
          ...{ ":connection": connectionId, ":reason": reason },
        },
        ...{ returns: "ALL_NEW", isRepeatable: true },
      });
      const [session] = lost === undefined ? await known(sid) : [recordOf(lost)];
      const isOwn = session?.connectionId === connectionId && session.state === "detached";
      return isOwn && session.endedAt === undefined ? session : undefined;
    },

    async giveUp({ sid, pid }) {
      const given = await table.update(sessionKey(sid), {
        update: "REMOVE pid, slot",
        condition: `${EXISTS} AND #state = :detached AND pid = :pid`,
        names: STATE,
        values: { ":detached": "detached", ":pid": pid },
      });
      return given !== undefined;
    },

    async markBack(sid) {
      const change = { update: "REMOVE isAway", condition: EXISTS, isRepeatable: true };
      await table.update(sessionKey(sid), change);
    },

    async markAway({ sid, lostAt }) {
      const marked = await table.update(sessionKey(sid), {
        update: "SET isAway = :true",
        condition: `${EXISTS} AND #state = :detached AND lostAt = :lostAt`,
        names: STATE,
        values: { ":true": true, ":detached": "detached", ":lostAt": lostAt },
        isRepeatable: true,
      });
      return marked !== undefined;
    },
  };
}

async function lostInShard(
  { table }: Storage,
  shard: number,
  from: string | undefined,
): ReturnType<Recovery["lostInShard"]> {
  const { items, last } = await pageOfShard(table, shard, from, SESSIONS_A_PAGE);
  return { sessions: items.flatMap((item) => recordOf(item) ?? []), next: last?.pk };
}

const STATE = { "#state": "state" };

const RECOVERING = `${EXISTS} AND #state = :recovering AND connectedAt = :connectedAt`;

/** The newer connection takes it, also where the older one still looks alive. */
function takeUpdate(request: TakeRequest, now: number, shard: number) {
  const { pid, nsp, connectionId, connectedAt, identity, identityHash, lostAfter } = request;
  const { tenant, userId, expiresAt } = identity;
  const sets = [
    "previousId = connectionId, previousAt = connectedAt, previousState = #state",
    "connectionId = :connection, connectedAt = :connectedAt, #state = :recovering",
    "lostAt = :now, #shard = :shard, expiresAt = :expiry, epochs.#epoch = :now",
    ...(expiresAt === undefined ? [] : ["#session.expiresAt = :expiresAt"]),
  ];
  const removes = [
    "pending",
    "replayed",
    "link",
    ...(expiresAt === undefined ? ["#session.expiresAt"] : []),
  ];
  return {
    update: `SET ${sets.join(", ")} REMOVE ${removes.join(", ")}`,
    condition: [
      `${EXISTS} AND pid = :pid AND nsp = :nsp AND connectedAt < :connectedAt`,
      "#session.tenant = :tenant AND #session.userId = :userId",
      "(#state <> :detached OR lostAt > :lostAfter)",
      "identityHash = :hash AND size(epochs) < :most",
    ].join(" AND "),
    names: {
      ...{ ...STATE, "#session": "session", "#shard": "shard", "#epoch": `${connectedAt}` },
    },
    values: {
      ...{ ":pid": pid, ":nsp": nsp, ":connection": connectionId, ":connectedAt": connectedAt },
      ...{ ":recovering": "recovering", ":detached": "detached", ":now": now, ":shard": shard },
      ...{ ":tenant": tenant, ":userId": userId, ":expiry": expiryAfter(now) },
      ":lostAfter": lostAfter,
      ...(expiresAt !== undefined && { ":expiresAt": expiresAt }),
      ...{ ":hash": identityHash, ":most": MOST_EPOCHS },
    },
    ...({ returns: "ALL_NEW", isRepeatable: true } as const),
  };
}

function completeUpdate(
  { connectedAt, pending }: StoredSession,
  replayed: ReadonlySet<string>,
  floor: number,
  now: number,
) {
  const isNoted = pending.size > 0;
  const keeps = replayed.size > 0;
  return {
    update: [
      "SET #state = :connected, completed = :connectedAt, completedAt = :now, floor = :floor, spare = :spare",
      ...(keeps ? [", replayed = :replayed"] : []),
      " REMOVE pending, lostAt, #shard, #reason",
    ].join(""),
    condition: `${RECOVERING} AND ${isNoted ? "pending = :pending" : "attribute_not_exists(pending)"}`,
    names: { ...STATE, "#shard": "shard", "#reason": "reason" },
    values: {
      ...{ ":connected": "connected", ":recovering": "recovering", ":connectedAt": connectedAt },
      ...{ ":now": now, ":floor": floor, ":spare": SPARE },
      ...(isNoted && { ":pending": pending }),
      ...(keeps && { ":replayed": replayed }),
    },
    ...({ returns: "ALL_NEW", isRepeatable: true } as const),
  };
}
