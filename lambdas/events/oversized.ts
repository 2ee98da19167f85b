import { MESSAGE_BYTES } from "#model/limits.ts";
import type { Outbox } from "#socket/outbox.ts";
import { EventError } from "./errors.ts";

/** Refuses what would send a packet larger than API Gateway takes, before anything is sent. */
export function refuseOversized({ emissions }: Outbox): void {
  const bytes = Math.max(
    0,
    ...emissions.flatMap(({ frames }) => frames.map((frame) => Buffer.byteLength(frame))),
  );
  if (bytes > MESSAGE_BYTES)
    throw new EventError(
      "too_large",
      `a packet would be ${bytes} bytes, more than ${MESSAGE_BYTES}`,
    );
}

/** Bytes that a packet has for ids, names and times beside its content. */
const BESIDE = 4096;

/** Whether some content can be sent in a packet of its own. */
export const fitsPacket = (content: unknown): boolean =>
  Buffer.byteLength(JSON.stringify(content) ?? "") <= MESSAGE_BYTES - BESIDE;
