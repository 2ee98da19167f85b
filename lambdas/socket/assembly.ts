import type { Connection, Piece } from "#model/connection.ts";
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

/** The text and the attachments of binary packets that are complete now, or `illegal`. */
export type Assembly = readonly (readonly (string | Buffer)[])[] | "illegal";

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

    const packets: (readonly (string | Buffer)[])[] = [];
    for (;;) {
      const seen = await connections.get(connectionId);
      const complete = findComplete(seen?.pieces ?? []);
      if (seen === undefined || complete === undefined) return packets;

      const taken = [complete.header, ...complete.attachments];
      const rest = seen.pieces.filter(({ id }) => !taken.some((piece) => piece.id === id));
      if (await connections.takePieces(connectionId, seen.pieceChanges, rest))
        packets.push(await pieces.take(connectionId, taken));
    }
  }
}

function pieceOf({ messageId, receivedAt, content }: PieceFrame): Piece {
  const attachments = typeof content === "string" ? announcedAttachments(content) : undefined;
  return { id: messageId, receivedAt, bytes: Buffer.byteLength(content), attachments };
}
