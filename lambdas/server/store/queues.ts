import { MAX_RUN } from "#server/model/limits.ts";
import {
  type Appended,
  bytesOf,
  DRAINABLE,
  hasEnded,
  isTakenOver,
  MAX_SENT,
  MAX_WAITING,
  type Queue,
  type Queues,
} from "#server/model/polling.ts";
import { connectionItem, expiryAfter, expiryOfEnded } from "./connections.ts";
import { queueKey } from "./keys.ts";
import {
  createFind,
  DROP,
  NAMES,
  queueOf,
  STATE,
  type StoredQueue,
  TAKE,
  TAKEN,
} from "./queue-item.ts";
import { createQueueUpgrades } from "./queue-upgrades.ts";
import type { Storage } from "./table.ts";

/** Packets that may wait. */
const MAX_PACKETS = 256;

/** Milliseconds without a GET after which a client is dead: one that lives asks as soon as it is answered. */
const MAX_SILENCE = 60_000;

/** A GET may also be answered with the last packets. */
const IS_DRAINABLE = {
  condition: `#state IN (${DRAINABLE.map((state) => `:${state}`).join(", ")})`,
  values: Object.fromEntries(DRAINABLE.map((state) => [`:${state}`, state])),
};

/** The queues in the table, an item each: a queue moves, or changes its state, in one write. */
export const createQueues = (storage: Storage, shards: number, maxSent = MAX_SENT): Queues => ({
  ...createLives(storage, shards),
  ...createAppends(storage),
  ...createPolls(storage, maxSent),
  ...createQueueUpgrades(storage),
});

function createLives(
  storage: Storage,
  shards: number,
): Pick<Queues, "open" | "close" | "drained" | "find"> {
  const { table, now } = storage;
  return {
    find: createFind(storage),

    async open(connectionId, connectedAt, handshake) {
      const queue = {
        ...queueKey(connectionId),
        ...{ state: "polling", packets: [], size: 0, ids: {}, sent: [], sentIds: {} },
        // The first GET comes later.
        ...{ pollAt: connectedAt - 1, expiresAt: expiryAfter(connectedAt) },
      };
      const connection = connectionItem({ connectionId, connectedAt, handshake }, shards);
      // Each once: a try that comes late must not put them back as they were. The sweep finds the connection.
      for (const item of [connection, queue])
        await table.putIf(item, { condition: "attribute_not_exists(pk)" });
    },

    async close(connectionId, last) {
      const at = now();
      const ended = { ":now": at, ":expiry": expiryOfEnded(at) };
      if (last !== undefined) {
        const closing = await table.update(queueKey(connectionId), {
          update:
            "SET #state = :closing, packets = list_append(packets, :last), endedAt = :now, expiresAt = :expiry",
          condition: "#state IN (:polling, :probing)",
          names: STATE,
          values: {
            ...{ ...ended, ":closing": "closing", ":last": [last] },
            ...{ ":polling": "polling", ":probing": "probing" },
          },
          isRepeatable: true,
        });
        if (closing !== undefined) return undefined;
      }
      const closed = await table.update(queueKey(connectionId), {
        update: `SET closedIn = #state, #state = :closed, endedAt = :now, expiresAt = :expiry REMOVE ${DROP}`,
        // What waits when the server has ended it is still sent, whatever its client does.
        condition: "attribute_exists(pk) AND NOT #state IN (:closed, :closing)",
        names: NAMES,
        values: { ...ended, ":closed": "closed", ":closing": "closing" },
        returns: "ALL_NEW",
        // Two at once may cut the link twice; with none it would stay.
        isOwn: ({ state, endedAt }) => state === "closed" && endedAt === at,
      });
      const { closedIn, link } = queueOf(closed) ?? {};
      // A client that has only probed would wait for ever for a link that is cut: it finds out when it upgrades.
      return closedIn !== undefined && isTakenOver({ state: closedIn }) ? link : undefined;
    },

    async drained(connectionId) {
      await table.update(queueKey(connectionId), {
        update: `SET #state = :closed REMOVE ${DROP}`,
        condition: "#state = :closing",
        names: NAMES,
        values: { ":closed": "closed", ":closing": "closing" },
        isRepeatable: true,
      });
    },
  };
}

function createAppends(storage: Storage): Pick<Queues, "append"> {
  const { table, now } = storage;
  const find = createFind(storage);
  return {
    async append(connectionId, packets, id) {
      const bytes = bytesOf(packets);
      const begun = now();
      const change = {
        update:
          "SET packets = list_append(packets, :packets), #size = #size + :bytes, ids.#id = :true",
        condition: [
          "(#state IN (:polling, :probing) AND pollAt > :silent OR #state = :flushing AND flushedAt > :dead)",
          "size(packets) <= :maxPackets AND #size <= :maxBytes",
          // A GET that was sent once this had arrived forgets its id: this may be a second try, or a late one.
          "attribute_not_exists(ids.#id) AND attribute_not_exists(sentIds.#id) AND pollAt <= :begun",
        ].join(" AND "),
        names: { ...NAMES, "#id": id },
        values: {
          ...{ ":packets": packets, ":bytes": bytes, ":true": true, ":begun": begun },
          ...{ ":polling": "polling", ":probing": "probing", ":flushing": "flushing" },
          ...{ ":silent": begun - MAX_SILENCE, ":dead": begun - MAX_RUN },
          ...{ ":maxPackets": MAX_PACKETS - packets.length, ":maxBytes": MAX_WAITING - bytes },
        },
      };
      try {
        const appended = await table.update(queueKey(connectionId), change);
        return appended === undefined ? whyNot(await find(connectionId), begun) : "appended";
      } catch (error) {
        // By a try whose answer was lost.
        const { ids = {}, sentIds = {} } = (await find(connectionId)) ?? {};
        if (Object.hasOwn(ids, id) || Object.hasOwn(sentIds, id)) return "appended";
        throw error;
      }
    },
  };
}

/** Why nothing was appended, by what there is. */
function whyNot(queue: StoredQueue | undefined, begun: number): Appended {
  if (queue === undefined) return "gone";
  const { state, link, pollAt = 0, flushedAt = 0 } = queue;
  if (state === "upgraded" && link !== undefined) return { link };
  if (hasEnded(queue)) return "gone";
  if (pollAt > begun) return "overtaken";
  const isDead =
    state === "flushing" ? flushedAt <= begun - MAX_RUN : pollAt <= begun - MAX_SILENCE;
  return isDead ? "dead" : "full";
}

function createPolls(
  { table }: Storage,
  maxSent: number,
): Pick<Queues, "arrive" | "take" | "peek"> {
  return {
    async arrive(connectionId, { key, request, at }) {
      const arrived = { ":key": key, ":request": request, ":at": at };
      const first = await table.update(queueKey(connectionId), {
        // That it comes with another key shows that what was sent to the last one has arrived.
        update: `SET ${TAKE}, sentIds = ids, ids = :noIds, sentTo = :key, poll = :request, pollAt = :at`,
        condition: `${IS_DRAINABLE.condition} AND (attribute_not_exists(sentTo) OR sentTo <> :key) AND pollAt < :at`,
        names: NAMES,
        values: { ...IS_DRAINABLE.values, ...TAKEN, ...arrived, ":noIds": {} },
        ...{ returns: "ALL_NEW", isRepeatable: true },
      });
      if (first !== undefined) return limit(connectionId, request, queueOf(first));
      // The same GET again, repeated on its way: it is answered the same.
      const again = await table.update(queueKey(connectionId), {
        update: "SET poll = :request, pollAt = :at",
        condition: `${IS_DRAINABLE.condition} AND sentTo = :key AND pollAt <= :at`,
        names: STATE,
        values: { ...IS_DRAINABLE.values, ...arrived },
        ...{ returns: "ALL_NEW", isRepeatable: true },
      });
      return limit(connectionId, request, queueOf(again));
    },

    async take(connectionId, request) {
      const taken = await table.update(queueKey(connectionId), {
        update: `SET ${TAKE}`,
        // Not twice, where the answer to the first try was lost; and not what another took, on a stale read.
        condition: `${IS_DRAINABLE.condition} AND poll = :request AND size(sent) = :zero AND size(packets) > :zero`,
        names: NAMES,
        values: { ...IS_DRAINABLE.values, ...TAKEN, ":request": request },
        ...{ returns: "ALL_NEW", isRepeatable: true },
      });
      const queue = queueOf(taken ?? (await table.get(queueKey(connectionId))));
      if (queue?.poll !== request || queue.sent.length === 0) return undefined;
      return (await limit(connectionId, request, queue))?.sent;
    },

    peek: async (connectionId) => queueOf(await table.peek(queueKey(connectionId))),
  };

  /** Has what one answer has no room for wait again, before what has come since; nothing where another GET has come. */
  async function limit(
    connectionId: string,
    request: string,
    queue: StoredQueue | undefined,
  ): Promise<Queue | undefined> {
    if (queue === undefined || queue.sent.length <= maxSent) return queue;
    const rest = queue.sent.slice(maxSent);
    const limited = await table.update(queueKey(connectionId), {
      update: "SET sent = :sent, packets = list_append(:rest, packets), #size = #size + :bytes",
      condition: `${IS_DRAINABLE.condition} AND poll = :request AND size(sent) = :count`,
      names: NAMES,
      values: {
        ...{ ...IS_DRAINABLE.values, ":request": request, ":count": queue.sent.length },
        ...{ ":sent": queue.sent.slice(0, maxSent), ":rest": rest },
        ":bytes": bytesOf(rest),
      },
      returns: "ALL_NEW",
      isOwn: ({ poll, sent }) => poll === request && (sent as []).length === maxSent,
    });
    return queueOf(limited);
  }
}
