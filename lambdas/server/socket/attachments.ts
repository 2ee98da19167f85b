import type { BinaryPart } from "#server/model/session.ts";

/** The header of a complete binary packet and its attachments in the order they were sent. */
export interface Assembled {
  readonly header: BinaryPart;
  readonly attachments: readonly BinaryPart[];
}

/** Binary packets that are complete; where `isOrdered` is not set, nobody can tell whose each attachment is. */
export interface Complete {
  readonly packets: readonly Assembled[];
  readonly isOrdered: boolean;
}

/** Bytes and parts of incomplete binary packets that one socket may have us hold. */
const HELD_BYTES = 1024 * 1024;
const HELD_PIECES = 100;

/** Milliseconds after which an incomplete binary packet breaks the connection. */
const HELD_TIME = 30_000;

/**
 * Finds the oldest binary packet if it is complete, among parts in any order. API Gateway's receipt
 * times say in which order they were sent: the attachments of a header lie between it and the next
 * header. Two headers, or two attachments, of one millisecond have no order; the packets that they
 * belong to are found together then.
 */
export function findComplete(parts: readonly BinaryPart[]): Complete | undefined {
  const sent = parts.toSorted((a, b) => a.receivedAt - b.receivedAt);
  const headers = sent.filter(isHeader);
  const attachments = sent.filter((part) => !isHeader(part));
  const packets: Assembled[] = [];
  for (const [index, header] of headers.entries()) {
    const own = attachments.splice(0, header.attachments ?? 0);
    if (!isWhole({ header, attachments: own }, headers)) return undefined;
    packets.push({ header, attachments: own });
    if (!isTied({ header, attachments: own }, headers[index + 1], attachments[0]))
      return { packets, isOrdered: packets.length === 1 && haveOrder(own) };
  }
  return undefined;
}

/** Whether all attachments are there, sent after their header and before the next one. */
function isWhole({ header, attachments }: Assembled, headers: readonly BinaryPart[]): boolean {
  const next = headers.find(({ receivedAt }) => receivedAt > header.receivedAt);
  const until = next?.receivedAt ?? Number.POSITIVE_INFINITY;
  return (
    attachments.length === header.attachments &&
    attachments.every(({ receivedAt }) => receivedAt >= header.receivedAt && receivedAt <= until)
  );
}

/** Whether a packet and what follows it, or may yet do so, have parts of one millisecond to confuse. */
function isTied(
  { header, attachments }: Assembled,
  next?: BinaryPart,
  following?: BinaryPart,
): boolean {
  const last = attachments.at(-1);
  return (
    header.receivedAt === next?.receivedAt ||
    (last !== undefined && last.receivedAt === (following ?? next)?.receivedAt)
  );
}

const haveOrder = (attachments: readonly BinaryPart[]): boolean =>
  new Set(attachments.map(({ receivedAt }) => receivedAt)).size === attachments.length;

/** Says why the parts held for a socket break the protocol, or nothing if they may still complete. */
export function heldFault(parts: readonly BinaryPart[], now: number): string | undefined {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes > HELD_BYTES)
    return "the attachments of a binary packet are larger than 1 MiB together";
  if (parts.length > HELD_PIECES) return "too many parts of incomplete binary packets";
  if (parts.some(({ receivedAt }) => now - receivedAt > HELD_TIME))
    return "a binary packet was not complete within 30 s";
  return undefined;
}

const isHeader = (part: BinaryPart): boolean => part.attachments !== undefined;
