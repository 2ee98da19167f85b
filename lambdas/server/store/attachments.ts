import type { Piece } from "#server/model/connection.ts";
import { pieceKey } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** The contents of binary packets' pieces until the packets are complete. */
export interface Pieces {
  put(connectionId: string, piece: Piece, content: string | Buffer): Promise<void>;
  /** Gives the contents in the order asked for and deletes them. */
  take(connectionId: string, pieces: readonly Piece[]): Promise<readonly (string | Buffer)[]>;
  erase(connectionId: string, pieces: readonly Piece[]): Promise<void>;
}

/** Seconds a piece is kept where nobody takes it. */
const LIFETIME = 300;

/** The pieces in the table, beside their connection. */
export function createPieces(table: Table): Pieces {
  const keys = (connectionId: string, pieces: readonly Piece[]) =>
    pieces.map(({ id }) => pieceKey(connectionId, id));

  const pieces: Pieces = {
    put: (connectionId, { id, receivedAt }, content) =>
      table.put({
        ...pieceKey(connectionId, id),
        content,
        expiresAt: Math.floor(receivedAt / 1000) + LIFETIME,
      }),

    async take(connectionId, taken) {
      const wanted = keys(connectionId, taken);
      const items = new Map((await table.getAll(wanted)).map((item) => [item.sk, item]));
      await pieces.erase(connectionId, taken);
      return wanted.flatMap(({ sk }) => contentOf(items.get(sk)));
    },

    erase: (connectionId, erased) => table.writeAll([], keys(connectionId, erased)),
  };
  return pieces;
}

function contentOf(item: Item | undefined): (string | Buffer)[] {
  const content = item?.content;
  if (typeof content === "string") return [content];
  return content instanceof Uint8Array ? [Buffer.from(content)] : [];
}
