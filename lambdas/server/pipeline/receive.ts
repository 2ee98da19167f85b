import pMap from "p-map";
import type { AnyApp } from "#server/app.ts";
import { decodeFrame } from "#server/engine/frames.ts";
import { headerOf } from "#server/engine/handshake.ts";
import {
  ANSWER_OK,
  answerRefusal,
  CLOSE,
  type PollingAnswer,
  packetsIn,
} from "#server/engine/transports/polling.ts";
import { isDrainable } from "#server/model/polling.ts";
import type { Limited } from "#server/model/rate.ts";
import type { createServer, Received } from "../pipeline.ts";
import type { Parts } from "./parts.ts";
import type { PollingRequest, Served } from "./polling.ts";

/**
 * Packets of one POST: a client sends at once what was emitted while its last one was under way. As many as a user may
 * send at once by default; whatever else they cost is under rate limits.
 */
const MAX_PACKETS = 2000;

/**
 * Milliseconds after which no more packets of a POST are begun, so that what was begun can be finished before the
 * function ends after 29 s, also where it waits for an acknowledgement or another server for 20 s: the others are refused
 * as those of a user that sends too fast.
 */
const LATEST_BEGIN = 5_000;
const TOO_LATE: Limited = { retryAfterMs: 1000, isFlood: false };

/** Packets of one POST that are handled at the same time: what one waits for must not keep the others. */
const AT_ONCE = 100;

const isIllegal = (packet: string): boolean => decodeFrame(packet).type === "illegal";

/** An end comes after all else that was sent before it, and what was sent after it is nothing. */
async function handleAll(
  packets: readonly string[],
  handle: (packet: string, index: number) => Promise<void>,
): Promise<void> {
  const end = packets.indexOf(CLOSE);
  await pMap(end < 0 ? packets : packets.slice(0, end), handle, { concurrency: AT_ONCE });
  if (end >= 0) await handle(CLOSE, end);
}

/** Tells when a POST may be answered although not all is handled: so many packets have begun, and one waits for its clients. */
function createAnswerable(packets: number) {
  let left = packets;
  let isWaiting = false;
  let answer: () => void = () => undefined;
  const answerable = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const tell = () => {
    if (isWaiting && left === 0) answer();
  };
  return {
    answerable,
    begin() {
      left -= 1;
      tell();
    },
    onWait() {
      isWaiting = true;
      tell();
    },
  };
}

/**
 * A POST: handles each packet that it brings as the frame that it would be. It is answered when all are handled, and before
 * that where a handler waits for acknowledgements: its client sends none until then.
 */
export function createReceive(parts: Parts<AnyApp>, server: ReturnType<typeof createServer>) {
  const { adapter, runtime } = parts;
  const { heartbeat, now, pause, telemetry } = runtime;

  return async (connectionId: string, request: PollingRequest): Promise<Served> => {
    const { headers, body } = request;
    if (headerOf(headers, "content-type") === "application/octet-stream")
      return { answer: answerRefusal("request") };
    if (Buffer.byteLength(body) > heartbeat.maxPayload)
      return { answer: answerRefusal("request", 413) };
    const readAt = now();
    const connection = await adapter.connections.get(connectionId, request.receivedAt);
    if (connection === undefined) return { answer: await refuse(connectionId) };
    const packets = packetsIn(body);
    if (connection.link !== undefined || packets.length > MAX_PACKETS)
      return { answer: answerRefusal("request") };
    if (connection.endedAt === undefined) server.remember(connection, readAt);
    const { answerable, begin, onWait } = createAnswerable(
      packets.indexOf(CLOSE) + 1 || packets.length,
    );
    const handle = (packet: string, index: number) => {
      begin();
      const { connectedAt } = connection;
      return handleOne(request, { connectionId, connectedAt, onWait }, packet, index);
    };
    const rest = handleAll(packets, handle);
    // What the client sends next is received after the last of these.
    await pause(Math.max(0, request.receivedAt + packets.length - now()));
    await Promise.race([rest, answerable]);
    return { answer: packets.some(isIllegal) ? answerRefusal("request") : ANSWER_OK, rest };
  };

  /** A POST does not say that a session has ended while a GET still has its last packets. */
  async function refuse(connectionId: string): Promise<PollingAnswer> {
    const queue = await adapter.queues.find(connectionId);
    return queue !== undefined && isDrainable(queue) ? ANSWER_OK : answerRefusal("sid");
  }

  /** Nobody is answered what went wrong with one of them: the others are served. */
  async function handleOne(
    { requestId, receivedAt }: PollingRequest,
    connection: Pick<Received, "connectionId" | "connectedAt" | "onWait">,
    packet: string,
    index: number,
  ): Promise<void> {
    const messageId = `${requestId}.${index}`;
    const limited = now() - receivedAt > LATEST_BEGIN ? TOO_LATE : undefined;
    try {
      // A millisecond apart: of two of the same time nobody could tell which is the last word.
      const received = { ...connection, receivedAt: receivedAt + index, messageId, limited };
      await server.onFrame(received, packet);
    } catch (error) {
      const { connectionId } = connection;
      telemetry.fail("a packet failed", error, { connectionId, requestId });
      telemetry.count("RequestsFailed", 1, { route: "polling" });
    }
  }
}
