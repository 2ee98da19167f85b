import {
  answerPackets,
  answerRefusal,
  CLOSE,
  NOOP,
  type PollingAnswer,
} from "#server/engine/transports/polling.ts";
import { isDrainable, isDrained, isProbed, isTakenOver, type Poll } from "#server/model/polling.ts";
import type { Parts } from "./parts.ts";
import type { PollingRequest } from "./polling.ts";

/** Milliseconds between two looks, by how long a GET has waited. */
const intervalAfter = (waited: number): number => (waited < 1000 ? 100 : waited < 5000 ? 250 : 500);

/** Milliseconds that a GET takes besides its wait, at most. */
const LATEST_ANSWER = 3000;

/** Milliseconds that a GET of a client without a socket waits. */
const UNCONNECTED_WAIT = 1000;

/** Of the executions that the function may have at once, those that may wait. */
const WAITING_SHARE = 0.8;

/** How many GETs may wait at the same time; nothing where executions are not limited. */
const slotsOf = (concurrency: string | undefined): number | undefined =>
  concurrency === undefined ? undefined : Math.floor(Number(concurrency) * WAITING_SHARE);

/** What a client calls its GET by, if that tells it from others: some count the seconds. */
const keyOf = (t: string | undefined): string | undefined =>
  t === undefined || /^\d*$/.test(t) ? undefined : t;

/** A GET: answers what waits, or waits for it. */
export function createPoll({ adapter, runtime }: Pick<Parts, "adapter" | "runtime">) {
  const { queues } = adapter;
  const { now, pause, limits } = runtime;
  const limited = createLimited({ adapter, runtime });

  return async (connectionId: string, request: PollingRequest): Promise<PollingAnswer> => {
    const { query, requestId, receivedAt: at } = request;
    const poll = { key: keyOf(query.t) ?? requestId, request: requestId, at };
    const queue = await queues.arrive(connectionId, poll);
    if (queue === undefined) return refuse(connectionId);
    if (queue.sent.length > 0) return answer(connectionId, queue.sent);
    if (isDrained(queue)) return answer(connectionId, [CLOSE]);
    const wasProbed = isProbed(queue, now());
    // Who has no socket yet may wait for what CONNECT is answered, and no longer: it may be nobody. So may who has
    // none any more, for the last packets.
    const connection = await adapter.connections.get(connectionId);
    const isConnected = Object.keys(connection?.sockets ?? {}).length > 0;
    const work = (most: number) => wait(connectionId, poll, most);
    const packets = isConnected
      ? await limited(poll, () => work(limits.pollWait * 1000))
      : await work(UNCONNECTED_WAIT);
    if (packets !== undefined) return answer(connectionId, packets);
    if (connection !== undefined && !wasProbed) return answerPackets([NOOP]);
    const left = await queues.find(connectionId);
    // A GET that waited before the probe is released in any case; one that came later may be one after the upgrade.
    if (wasProbed && left !== undefined && isTakenOver(left)) return answerRefusal("request");
    // Its end was under way, and releases it, or broke off.
    const hasBrokenOff = !wasProbed && left !== undefined && isDrainable(left);
    return hasBrokenOff ? answerRefusal("sid") : answerPackets([NOOP]);
  };

  /** A client drops what one payload brings with a close packet: that comes by a GET of its own. */
  async function answer(connectionId: string, packets: readonly string[]): Promise<PollingAnswer> {
    if (packets.at(-1) !== CLOSE) return answerPackets(packets);
    if (packets.length > 1) return answerPackets(packets.slice(0, -1));
    await queues.drained(connectionId);
    return answerPackets(packets);
  }

  /** What comes while it waits; nothing where nothing does, or where another GET, an upgrade or an end comes first. */
  async function wait(
    connectionId: string,
    { request, at }: Poll,
    most: number,
  ): Promise<readonly string[] | undefined> {
    const began = now();
    for (let waited = 0; ; ) {
      const interval = intervalAfter(waited);
      waited += interval;
      if (Math.max(waited, now() - began) > most) return undefined;
      await pause(interval);
      const queue = await queues.peek(connectionId);
      if (queue === undefined || Number(queue.pollAt) > at || !isDrainable(queue)) return undefined;
      const taken = queue.packets.length > 0 && (await queues.take(connectionId, request));
      if (taken) return taken;
      // After its time it is taken for one that goes on polling.
      if (isProbed(queue, now())) return undefined;
    }
  }

  async function refuse(connectionId: string): Promise<PollingAnswer> {
    const queue = await queues.find(connectionId);
    if (queue === undefined || queue.state === "closed") return answerRefusal("sid");
    // The clock of the host that received the GET before it may be ahead.
    return isDrainable(queue) ? answerPackets([NOOP]) : answerRefusal("request");
  }
}

/** Waits where there is room for one more that waits: POSTs must find a function that is free. */
function createLimited({ adapter: { waits }, runtime }: Pick<Parts, "adapter" | "runtime">) {
  const { limits, variables, telemetry } = runtime;
  const slots = slotsOf(variables.POLLING_CONCURRENCY);
  // Each ends by itself.
  const note = (error: unknown): undefined =>
    void telemetry.fail("a slot of those that wait was not taken, or given back", error);

  return async <Result>(
    { request }: Poll,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> => {
    if (slots === undefined) return work();
    const until = limits.pollWait * 1000 + LATEST_ANSWER;
    const slot = await waits.acquire(slots, request, until).catch(note);
    if (slot === undefined) return undefined;
    const result = await work();
    await waits.release(slot, request).catch(note);
    return result;
  };
}
