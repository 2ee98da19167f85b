import { Decoder, Encoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { isTooDeep } from "#server/model/depth.ts";

export { type Packet, PacketType };

const MAX_ATTACHMENTS = 10;

/** Characters kept of an event's name, which no legal one exceeds. */
const MAX_NAME = 128;

/** An event packet of a client. */
export interface EventPacket {
  readonly type: "event";
  readonly nsp: string;
  readonly event: string;
  readonly args: readonly unknown[];
  /** Present where the client asked for an acknowledgement. */
  readonly ackId?: number | undefined;
  /** Bytes of the arguments as the client sent them, attachments included. */
  readonly bytes: number;
  /** Set where the arguments nest too deep; they are left out then. */
  readonly isTooDeep: boolean;
}

/** An acknowledgement of a client. */
export interface AckPacket {
  readonly type: "ack";
  readonly nsp: string;
  readonly ackId?: number | undefined;
  readonly args: readonly unknown[];
}

/** What a client's text means; a `header` waits for its attachments. */
export type ClientPacket =
  | { readonly type: "connect"; readonly nsp: string; readonly auth: unknown }
  | { readonly type: "disconnect"; readonly nsp: string }
  | AckPacket
  | { readonly type: "header"; readonly nsp: string }
  | EventPacket
  | Violation;

/** A breach of the protocol; the reason is for the log. */
export interface Violation {
  readonly type: "violation";
  readonly reason: string;
}

const violation = (reason: string): Violation => ({ type: "violation", reason });

/** Reads the text of one message. Never throws. */
export function readPacket(text: string): ClientPacket {
  if (announcedAttachments(text) === undefined) return readParts([text]);
  return isLegalHeader(text)
    ? { type: "header", nsp: /^\d+-(\/[^,]*),/.exec(text)?.[1] ?? "/" }
    : violation("an illegal header of a binary packet");
}

/** Reads a packet from its text and its attachments in the order they were sent. Never throws. */
export function readParts([header = "", ...rest]: readonly (string | Buffer)[]): ClientPacket {
  const isDeep = isTooDeep(String(header));
  const text = isDeep ? withoutArguments(String(header)) : String(header);
  if (text === undefined) return violation("it nests too deep, and is no event");
  const attachments = rest.filter((part) => Buffer.isBuffer(part));
  const packet = decode([text, ...attachments]);
  if (packet === undefined) return violation("no packet of Socket.IO");
  const { nsp } = packet;
  switch (packet.type) {
    case PacketType.CONNECT:
      return { type: "connect", nsp, auth: packet.data };
    case PacketType.DISCONNECT:
      return { type: "disconnect", nsp };
    case PacketType.ACK:
      return { type: "ack", nsp, ackId: packet.id, args: packet.data as readonly unknown[] };
    case PacketType.EVENT:
      return { ...contentOf(packet, [text, ...attachments]), isTooDeep: isDeep };
    default:
      return violation("a packet that only servers send");
  }
}

function decode(parts: readonly (string | Buffer)[]): Packet | undefined {
  const decoder = new Decoder({ maxAttachments: MAX_ATTACHMENTS });
  const decoded: Packet[] = [];
  decoder.on("decoded", (packet) => decoded.push(packet));
  try {
    for (const part of parts) decoder.add(part);
  } catch {
    return undefined;
  }
  const [packet] = decoded;
  return packet !== undefined && isPacketValid(packet) ? packet : undefined;
}

function contentOf({ nsp, data, id }: Packet, parts: readonly [string, ...Buffer[]]) {
  const [name, ...args] = data as [string | number, ...unknown[]];
  const event = String(name).slice(0, MAX_NAME);
  const size = parts.map((part) => Buffer.byteLength(part)).reduce((sum, bytes) => sum + bytes);
  const bytes = size - overhead(name, parts[0]);
  return { type: "event" as const, nsp, event, args, ackId: id, bytes };
}

/** Bytes of an event packet that are not arguments: type, ids and `["name",` with its closing bracket. */
const overhead = (name: string | number, text: string): number =>
  text.indexOf("[") + Buffer.byteLength(JSON.stringify(name)) + "[,]".length;

/**
 * An event packet without its arguments, for those that nest too deep to be parsed; nothing where
 * the packet is no such event.
 */
function withoutArguments(text: string): string | undefined {
  const event = /^2(?:\/[^,]*,)?\d*\["(?:[^"\\]|\\.)*"/.exec(text)?.[0];
  return event && `${event}]`;
}

/** How many attachments the header of a BINARY packet announces; nothing for any other packet. */
export function announcedAttachments(text: string): number | undefined {
  const count = /^[56](\d+)-/.exec(text)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Whether a header may be held until its attachments are there: legal as far as can be told yet. */
function isLegalHeader(text: string): boolean {
  if (isTooDeep(text)) return false;
  try {
    new Decoder({ maxAttachments: MAX_ATTACHMENTS }).add(text);
    return true;
  } catch {
    return false;
  }
}

/** The messages that carry one packet: its text, then its attachments. */
export const encodePacket = (packet: Packet): readonly (string | Buffer)[] =>
  new Encoder().encode(packet);

/** The frame of an event whose payload, an object with fields, has one more. */
const withField = (frame: string, name: string, value: string): string =>
  `${frame.slice(0, -"}]".length)},${JSON.stringify(name)}:${JSON.stringify(value)}}]`;

/** The frames of a packet, or of a copy of it whose payload has one more field. */
export const copyOf = (
  frames: readonly string[],
  field: readonly [name: string, value: string] | undefined,
): readonly string[] =>
  field === undefined ? frames : frames.map((frame) => withField(frame, ...field));

/** The frames of a packet with another one in place of the first, which has its arguments. */
export const withFirst = (
  frames: readonly string[],
  change: (first: string) => string,
): readonly string[] => frames.map((frame, index) => (index > 0 ? frame : change(frame)));
