import { Decoder, Encoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { isTooDeep } from "#server/model/depth.ts";

export { type Packet, PacketType };

const MAX_ATTACHMENTS = 10;

/**
 * Decodes one Socket.IO packet from its text and its attachments in the order they were sent.
 * Nothing where it breaks the protocol: never throws.
 */
export function decodePacket(
  text: string,
  attachments: readonly Buffer[] = [],
): Packet | undefined {
  const decoder = new Decoder({ maxAttachments: MAX_ATTACHMENTS });
  const decoded: Packet[] = [];
  decoder.on("decoded", (packet) => decoded.push(packet));
  try {
    for (const part of [text, ...attachments]) decoder.add(part);
  } catch {
    return undefined;
  }
  const [packet] = decoded;
  return packet !== undefined && isPacketValid(packet) ? packet : undefined;
}

/**
 * An event packet without its arguments, for those that nest too deep to be parsed; nothing where
 * the packet is no such event.
 */
export const withoutArguments = (text: string): string | undefined => {
  const event = /^2\d*\["(?:[^"\\]|\\.)*"/.exec(text)?.[0];
  return event && `${event}]`;
};

/** How many attachments the header of a BINARY packet announces; nothing for any other packet. */
export function announcedAttachments(text: string): number | undefined {
  const count = /^[56](\d+)-/.exec(text)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Whether a header may be held until its attachments are there: legal as far as can be told yet. */
export function isLegalHeader(text: string): boolean {
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
export const withField = (frame: string, name: string, value: string): string =>
  `${frame.slice(0, -"}]".length)},${JSON.stringify(name)}:${JSON.stringify(value)}}]`;
