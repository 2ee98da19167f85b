import type { BinaryPart } from "#server/model/session.ts";
import type { BinaryParts } from "./adapter.ts";
import { binaryPartKey } from "./keys.ts";
import type { Item, Table } from "./table.ts";

/** Seconds for which a part is kept that nobody takes. */
const LIFETIME = 300;

/** The parts in the table, beside their connection. */
export function createBinaryParts(table: Table): BinaryParts {
  const keys = (connectionId: string, parts: readonly BinaryPart[]) =>
    parts.map(({ id }) => binaryPartKey(connectionId, id));

  const binaryParts: BinaryParts = {
    put: (connectionId, { id, receivedAt }, content) =>
      table.put({
        ...binaryPartKey(connectionId, id),
        content,
        expiresAt: Math.floor(receivedAt / 1000) + LIFETIME,
      }),

    async take(connectionId, taken) {
      const wanted = keys(connectionId, taken);
      const items = new Map((await table.getAll(wanted)).map((item) => [item.sk, item]));
      await binaryParts.erase(connectionId, taken);
      return wanted.flatMap(({ sk }) => contentOf(items.get(sk)));
    },

    erase: (connectionId, erased) => table.writeAll([], keys(connectionId, erased)),
  };
  return binaryParts;
}

function contentOf(item: Item | undefined): (string | Buffer)[] {
  const content = item?.content;
  if (typeof content === "string") return [content];
  return content instanceof Uint8Array ? [Buffer.from(content)] : [];
}
