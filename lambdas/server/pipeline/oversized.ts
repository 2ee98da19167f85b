import type { Domain } from "#server/app.ts";
import { EventError } from "#server/errors.ts";
import { INVOCATION_BYTES, type Limits, MESSAGE_BYTES } from "#server/model/limits.ts";
import { type Emission, type EmitBuffer, isOfRooms } from "#server/socket/emit-buffer.ts";
import type { EventCall } from "./answers.ts";

/** Bytes that an event has more where sockets may come back: its offset. */
const OFFSET_BYTES = 1024;

/** Bytes that a match's copy has more: a field with an id of 128 characters. */
const FIELD_BYTES = 1024;

/** Refuses what would send a packet larger than API Gateway takes, before anything is sent. */
export function refuseOversized(
  { emissions }: EmitBuffer,
  { connectionStateRecovery }: Pick<Limits, "connectionStateRecovery">,
): void {
  if (connectionStateRecovery > 0)
    refuseLarger(Math.max(0, ...emissions.map(allBytesOf)), ENTRY_BYTES, "a packet with its parts");
  const offset = connectionStateRecovery > 0 ? OFFSET_BYTES : 0;
  refuseLarger(Math.max(0, ...emissions.map(bytesOf)) + offset, MESSAGE_BYTES, "a packet");
  const matched = emissions.filter(isMatched).map((emission) => JSON.stringify(emission));
  refuseLarger(
    Math.max(0, ...matched.map((json) => Buffer.byteLength(json))),
    INVOCATION_BYTES,
    "a change with its documents",
  );
  refuseLarger(handedOn(emissions), INVOCATION_BYTES, "what one event emits to rooms");
}

/** Bytes that a function hands to another where a room is large: quotes in packets are escaped. */
function handedOn(emissions: readonly Emission[]): number {
  const forRooms = emissions.filter(({ audience }) => isOfRooms(audience));
  const bytes = forRooms.reduce((sum, emission) => sum + allBytesOf(emission), 0);
  // Escaped they are at most twice as long: most events need not be written out for this.
  if (2 * bytes + forRooms.length * BESIDE <= INVOCATION_BYTES) return bytes;
  return Buffer.byteLength(JSON.stringify(forRooms));
}

function refuseLarger(bytes: number, limit: number, what: string): void {
  if (bytes > limit)
    throw new EventError("too_large", `${what} would be ${bytes} bytes, more than ${limit}`);
}

/** Bytes of a packet that the log of a room takes: DynamoDB's items have 400 KB at most. */
const ENTRY_BYTES = 380 * 1024;

const allBytesOf = ({ frames }: Emission): number =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);

const bytesOf = (emission: Emission): number =>
  Math.max(0, ...emission.frames.map((frame) => Buffer.byteLength(frame))) +
  (isMatched(emission) ? FIELD_BYTES : 0);

const isMatched = ({ audience }: Emission): boolean =>
  isOfRooms(audience) && audience.criteria !== undefined;

/** Bytes that a packet has for ids, names and times beside its content. */
const BESIDE = 4096;

/** Refuses an event whose arguments are larger than its domain has it. */
export function refuseLarge(
  limits: Readonly<Record<string, number>>,
  domain: Domain | undefined,
  { event, bytes }: EventCall,
): void {
  const max = domain?.maxBytes === undefined ? undefined : limits[domain.maxBytes];
  if (max !== undefined && bytes > max)
    throw new EventError(
      "too_large",
      `the payload of ${event} is ${bytes} bytes, more than ${max}`,
    );
}

/** Whether some content can be sent in a packet of its own. */
export const fitsPacket = (content: unknown): boolean =>
  Buffer.byteLength(JSON.stringify(content) ?? "") <= MESSAGE_BYTES - BESIDE;
