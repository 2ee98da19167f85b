import type { Piece } from "#model/connection.ts";

/** The header of a complete binary packet and its attachments in the order they were sent. */
export interface Assembled {
  readonly header: Piece;
  readonly attachments: readonly Piece[];
}

/** Bytes and pieces of incomplete binary packets that one socket may have us hold. */
const HELD_BYTES = 1024 * 1024;
const HELD_PIECES = 100;

/** Milliseconds after which an incomplete binary packet breaks the connection. */
const HELD_TIME = 30_000;

/**
 * Finds the oldest binary packet if it is complete, among pieces listed in the order they reached
 * the table. They may have been sent in another order, so API Gateway's receipt times decide: the
 * attachments of a header lie between it and the next header. Pieces of one millisecond keep the
 * listed order.
 */
export function findComplete(pieces: readonly Piece[]): Assembled | undefined {
  const sent = pieces.toSorted((a, b) => a.receivedAt - b.receivedAt);
  const [header, next] = sent.filter(isHeader);
  if (header === undefined) return undefined;

  const attachments = sent.filter((piece) => !isHeader(piece)).slice(0, header.attachments);
  const until = next?.receivedAt ?? Number.POSITIVE_INFINITY;
  const areItsOwn = attachments.every(
    ({ receivedAt }) => receivedAt >= header.receivedAt && receivedAt <= until,
  );
  return areItsOwn && attachments.length === header.attachments
    ? { header, attachments }
    : undefined;
}

/** Says why the pieces held for a socket break the protocol, or nothing if they may still complete. */
export function heldFault(pieces: readonly Piece[], now: number): string | undefined {
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  if (bytes > HELD_BYTES)
    return "the attachments of a binary packet are larger than 1 MiB together";
  if (pieces.length > HELD_PIECES) return "too many pieces of incomplete binary packets";
  if (pieces.some(({ receivedAt }) => now - receivedAt > HELD_TIME))
    return "a binary packet was not complete within 30 s";
  return undefined;
}

const isHeader = (piece: Piece): boolean => piece.attachments !== undefined;
