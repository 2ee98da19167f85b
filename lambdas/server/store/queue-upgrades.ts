import { isTakenOver, type Queues, UPGRADE_TIMEOUT, type Upgraded } from "#server/model/polling.ts";
import { queueKey } from "./keys.ts";
import { createFind, DROP, NAMES, queueOf, STATE, TAKE, TAKEN } from "./queue-item.ts";
import type { Condition, Storage } from "./table.ts";

const probing = (link: string) => ({
  condition: "#state = :probing AND link = :link",
  values: { ":probing": "probing", ":link": link },
});

/** How a queue changes where a WebSocket connection takes over. */
export function createQueueUpgrades(
  storage: Storage,
): Pick<Queues, "probe" | "unprobe" | "upgrade"> {
  const { table, now } = storage;

  return {
    async probe(connectionId, link) {
      const probed = await table.update(queueKey(connectionId), {
        update: "SET #state = :probing, link = :link, probedAt = :now",
        condition: "#state = :polling OR (#state = :probing AND (link = :link OR probedAt < :old))",
        names: STATE,
        values: {
          ...{ ":polling": "polling", ":probing": "probing", ":link": link },
          ...{ ":now": now(), ":old": now() - UPGRADE_TIMEOUT },
        },
        isRepeatable: true,
      });
      return probed !== undefined;
    },

    async unprobe(connectionId, link) {
      const { condition, values } = probing(link);
      const done = await table.update(queueKey(connectionId), {
        update: "SET #state = :polling REMOVE link",
        ...{ condition, names: STATE, isRepeatable: true },
        values: { ...values, ":polling": "polling" },
      });
      return done !== undefined;
    },

    async upgrade(connectionId, link, post) {
      if ((await open(storage, connectionId, probing(link))) !== undefined) return "upgraded";
      const flushing = { ...TAKEN, ":flushing": "flushing", ":now": now() };
      let batch = await table.update(queueKey(connectionId), {
        update: `SET #state = :flushing, flushedAt = :now, round = :zero, ${TAKE} REMOVE poll, sentTo`,
        condition: probing(link).condition,
        names: NAMES,
        values: { ...flushing, ...probing(link).values },
        returns: "ALL_NEW",
      });
      for (let round = 0; batch !== undefined; round += 1) {
        for (const packet of queueOf(batch)?.sent ?? []) await post(packet);
        const flushed = {
          // Not by a try that comes late, while the next ones are posted.
          condition: "#state = :flushing AND round = :round",
          values: { ":flushing": "flushing", ":round": round },
        };
        if ((await open(storage, connectionId, flushed)) !== undefined) return "upgraded";
        batch = await table.update(queueKey(connectionId), {
          update: `SET ${TAKE}, flushedAt = :now, round = :next`,
          // Not twice, where the answer to the first try was lost.
          condition: "#state = :flushing AND round = :round",
          names: NAMES,
          values: { ...flushing, ":round": round, ":next": round + 1 },
          returns: "ALL_NEW",
        });
      }
      return (await flushLast(storage, connectionId, link, post))
        ? "closed"
        : stateOf(storage, connectionId, link);
    },
  };
}

/** Opens the way to the link, where nothing waits. */
const open = ({ table }: Storage, connectionId: string, { condition, values }: Condition) =>
  table.update(queueKey(connectionId), {
    update: `SET #state = :upgraded REMOVE ${DROP}`,
    condition: `${condition} AND size(packets) = :zero`,
    names: NAMES,
    values: { ...values, ":upgraded": "upgraded", ":zero": 0 },
    isRepeatable: true,
  });

/** Posts the last packets to a link that takes over too late. */
async function flushLast(
  { table }: Storage,
  connectionId: string,
  link: string,
  post: (packet: string) => Promise<void>,
): Promise<boolean> {
  const last = await table.update(queueKey(connectionId), {
    update: `SET #state = :closed REMOVE ${DROP}`,
    condition: "#state = :closing AND link = :link",
    names: NAMES,
    values: { ":closed": "closed", ":closing": "closing", ":link": link },
    returns: "ALL_OLD",
  });
  for (const packet of queueOf(last)?.packets ?? []) await post(packet);
  return last !== undefined;
}

/** What a link is that cannot take over now. */
async function stateOf(storage: Storage, connectionId: string, link: string): Promise<Upgraded> {
  const queue = await createFind(storage)(connectionId);
  if (queue?.state === "polling") return "unprobed";
  if (queue?.link !== link || !isTakenOver(queue)) return "refused";
  return queue.state === "upgraded" ? "upgraded" : "flushing";
}
