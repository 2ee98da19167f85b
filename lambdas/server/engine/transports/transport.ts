import { MESSAGE_BYTES } from "#server/model/limits.ts";
import { bytesOf, MAX_SENT, MAX_WAITING, type Queues } from "#server/model/polling.ts";
import {
  isPolling,
  type PostResult,
  type Transport,
  type Transports,
} from "#server/model/transport.ts";
import { createBatches } from "./batches.ts";
import type { Links } from "./links.ts";
import { CLOSE } from "./polling.ts";

/** How often, and for how many milliseconds, a full queue is waited for: a client that lives drains it at once. */
const MAX_WAITS = 4;
const WAIT = 250;

export interface TransportParts {
  readonly queues: Pick<Queues, "append" | "close">;
  readonly webSocket: Transport;
  readonly links: Links;
  readonly newId: () => string;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  readonly now: () => number;
}

/** Both transports: what is for a client that polls waits in its queue, until it has upgraded. */
export function createTransport(parts: TransportParts): Transports {
  const { queues, webSocket, links, now } = parts;
  const append = createBatches(appendAll);

  return {
    post,
    close: (connectionId) => close(connectionId, CLOSE),
    discard: (connectionId) => close(connectionId),
  };

  async function post(
    connectionId: string,
    frames: readonly string[],
    latest?: number,
  ): Promise<PostResult> {
    const link = isPolling(connectionId) ? links.linkOf(connectionId) : connectionId;
    if (link !== undefined) return postTo(link, frames, latest);
    if (frames.some((frame) => Buffer.byteLength(frame) > MESSAGE_BYTES)) return "too_large";
    for (const [index, unit] of unitsOf(frames).entries()) {
      refuseLate(latest);
      const result = await append(connectionId, unit);
      if (typeof result === "object") return postTo(result.link, frames.slice(index), latest);
      if (result !== "sent") return result;
    }
    return "sent";
  }

  async function postTo(
    link: string,
    frames: readonly string[],
    latest: number | undefined,
  ): Promise<PostResult> {
    for (const frame of frames) {
      refuseLate(latest);
      const result = await webSocket.post(link, frame, latest);
      if (result !== "sent") return result;
    }
    return "sent";
  }

  function refuseLate(latest: number | undefined): void {
    if (latest !== undefined && now() > latest) throw new Error("too late for a post");
  }

  async function close(connectionId: string, last?: string): Promise<void> {
    if (!isPolling(connectionId)) return webSocket.close(connectionId);
    const link = await queues.close(connectionId, last);
    if (link !== undefined) await webSocket.close(link);
  }

  async function appendAll(
    connectionId: string,
    packets: readonly string[],
  ): Promise<PostResult | { readonly link: string }> {
    const result = await appendOnceThereIsRoom(parts, connectionId, packets);
    if (typeof result === "object") links.upgraded(connectionId, result.link);
    if (result !== "dead") return result;
    await close(connectionId, CLOSE);
    return "gone";
  }
}

/** What is appended in one write: a packet, or each of its frames where those together would never fit. */
function unitsOf(frames: readonly string[]): readonly (readonly string[])[] {
  const isWhole = frames.length <= MAX_SENT && bytesOf(frames) <= MAX_WAITING;
  return isWhole ? [frames] : frames.map((frame) => [frame]);
}

async function appendOnceThereIsRoom(
  { queues, newId, pause }: TransportParts,
  connectionId: string,
  packets: readonly string[],
): Promise<"sent" | "gone" | "dead" | { readonly link: string }> {
  const id = newId();
  for (let waits = 0; ; waits += 1) {
    const result = await queues.append(connectionId, packets, id);
    if (result === "appended") return "sent";
    if (result !== "full" && result !== "overtaken") return result;
    if (waits === MAX_WAITS) return "dead";
    if (result === "full" || waits > 0) await pause(WAIT);
  }
}
