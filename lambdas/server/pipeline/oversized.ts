import { EventError } from "#server/errors.ts";
import { INVOCATION_BYTES, MESSAGE_BYTES } from "#server/model/limits.ts";
import { type Emission, type EmitBuffer, isOfRooms } from "#server/socket/emit-buffer.ts";

/** Bytes that a match's copy has more: a field with an id of 128 characters. */
const FIELD_BYTES = 1024;

/** Refuses what would send a packet larger than API Gateway takes, before anything is sent. */
export function refuseOversized({ emissions }: EmitBuffer): void {
  refuseLarger(Math.max(0, ...emissions.map(bytesOf)), MESSAGE_BYTES, "a packet");
  const matched = emissions.filter(isMatched).map((emission) => JSON.stringify(emission));
  refuseLarger(
    Math.max(0, ...matched.map((json) => Buffer.byteLength(json))),
    INVOCATION_BYTES,
    "a change with its documents",
  );
}

function refuseLarger(bytes: number, limit: number, what: string): void {
  if (bytes > limit)
    throw new EventError("too_large", `${what} would be ${bytes} bytes, more than ${limit}`);
}

const bytesOf = (emission: Emission): number =>
  Math.max(0, ...emission.frames.map((frame) => Buffer.byteLength(frame))) +
  (isMatched(emission) ? FIELD_BYTES : 0);

const isMatched = ({ audience }: Emission): boolean =>
  isOfRooms(audience) && audience.criteria !== undefined;

/** Bytes that a packet has for ids, names and times beside its content. */
const BESIDE = 4096;

/** Whether some content can be sent in a packet of its own. */
export const fitsPacket = (content: unknown): boolean =>
  Buffer.byteLength(JSON.stringify(content) ?? "") <= MESSAGE_BYTES - BESIDE;
