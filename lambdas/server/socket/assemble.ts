import type { Connection, Piece } from "#server/model/connection.ts";
import { findComplete, heldFault } from "./attachments.ts";
import { announcedAttachments } from "./packets.ts";

/** Milliseconds by which a piece may come late although it was sent first. */
const SETTLING = 25;

type Held = Pick<Connection, "pieces" | "pieceChanges">;

export interface AssemblyParts {
  readonly connections: {
    get(connectionId: string): Promise<Held | undefined>;
    addPiece(connectionId: string, piece: Piece): Promise<readonly Piece[] | undefined>;
    takePieces(
      connectionId: string,
      pieceChanges: number,
      rest: readonly Piece[],
    ): Promise<boolean>;
  };
  readonly pieces: {
    put(connectionId: string, piece: Piece, content: string | Buffer): Promise<void>;
    take(connectionId: string, pieces: readonly Piece[]): Promise<readonly (string | Buffer)[]>;
    erase(connectionId: string, pieces: readonly Piece[]): Promise<void>;
  };
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** One frame of a binary packet, with what API Gateway knows of it. */
export interface PieceFrame {
  readonly connectionId: string;
  readonly messageId: string;
  readonly receivedAt: number;
  readonly content: string | Buffer;
}

/** The text and the attachments of a packet; in no order of theirs where `isOrdered` is not set. */
export interface AssembledPacket {
  readonly parts: readonly (string | Buffer)[];
  readonly isOrdered: boolean;
}

/** The binary packets that are complete now, or `illegal`. */
export type Assembly = readonly AssembledPacket[] | "illegal";

/** Holds the pieces of binary packets, which may come to different functions, until they are complete. */
export function createAssembly({ connections, pieces, now, pause }: AssemblyParts) {
  return async (frame: PieceFrame): Promise<Assembly> => {
    const { connectionId, content } = frame;
    const piece = pieceOf(frame);
    await pieces.put(connectionId, piece, content);
    const held = await connections.addPiece(connectionId, piece);
    if (held === undefined) await pieces.erase(connectionId, [piece]);
    if (held === undefined || heldFault(held, now()) !== undefined) return "illegal";
    return findComplete(held) === undefined ? [] : takeAll(connectionId, held);
  };

  async function takeAll(connectionId: string, held: readonly Piece[]): Promise<Assembly> {
    const newest = Math.max(...held.map(({ receivedAt }) => receivedAt));
    await pause(Math.max(0, newest + SETTLING - now()));

    const packets: AssembledPacket[] = [];
    for (;;) {
      const seen = await connections.get(connectionId);
      const complete = findComplete(seen?.pieces ?? []);
      if (seen === undefined || complete === undefined) return packets;

      const taken = complete.packets.map(({ header, attachments }) => [header, ...attachments]);
      const takenIds = new Set(taken.flat().map(({ id }) => id));
      const rest = seen.pieces.filter(({ id }) => !takenIds.has(id));
      if (!(await connections.takePieces(connectionId, seen.pieceChanges, rest))) continue;
      const { isOrdered } = complete;
      for (const packet of taken)
        packets.push({ parts: await pieces.take(connectionId, packet), isOrdered });
    }
  }
}

function pieceOf({ messageId, receivedAt, content }: PieceFrame): Piece {
  const attachments = typeof content === "string" ? announcedAttachments(content) : undefined;
  return { id: messageId, receivedAt, bytes: Buffer.byteLength(content), attachments };
}
