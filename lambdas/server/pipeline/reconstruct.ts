import type { BinaryPart } from "#server/model/session.ts";
import { findComplete, heldFault } from "#server/socket/attachments.ts";
import { announcedAttachments } from "#server/socket/packets.ts";
import type { Parts } from "./parts.ts";

/** Milliseconds by which a part may come late although it was sent first. */
const SETTLING = 25;

/** One frame of a binary packet, with what API Gateway knows of it. */
export interface PartFrame {
  readonly connectionId: string;
  readonly messageId: string;
  readonly receivedAt: number;
  readonly content: string | Buffer;
}

/** The text and the attachments of a packet; in no order of theirs where `isOrdered` is not set. */
export interface Reconstructed {
  readonly parts: readonly (string | Buffer)[];
  readonly isOrdered: boolean;
}

/** The binary packets that are complete now, or `illegal`. */
export type Reconstruction = readonly Reconstructed[] | "illegal";

/** Holds the parts of binary packets, which may come to different functions, until they are complete. */
export function createReconstruct({
  adapter: { connections, binaryParts },
  runtime: { now, pause },
}: Pick<Parts, "adapter" | "runtime">) {
  return async (frame: PartFrame): Promise<Reconstruction> => {
    const { connectionId, content } = frame;
    const part = partOf(frame);
    await binaryParts.put(connectionId, part, content);
    const held = await connections.addPart(connectionId, part);
    if (held === undefined) await binaryParts.erase(connectionId, [part]);
    if (held === undefined || heldFault(held, now()) !== undefined) return "illegal";
    return findComplete(held) === undefined ? [] : takeAll(connectionId, held, part.id);
  };

  async function takeAll(
    connectionId: string,
    held: readonly BinaryPart[],
    by: string,
  ): Promise<Reconstruction> {
    const newest = Math.max(...held.map(({ receivedAt }) => receivedAt));
    await pause(Math.max(0, newest + SETTLING - now()));

    const packets: Reconstructed[] = [];
    for (;;) {
      const seen = await connections.get(connectionId);
      const complete = findComplete(seen?.parts ?? []);
      if (seen === undefined || complete === undefined) return packets;

      const taken = complete.packets.map(({ header, attachments }) => [header, ...attachments]);
      const takenIds = new Set(taken.flat().map(({ id }) => id));
      const rest = seen.parts.filter(({ id }) => !takenIds.has(id));
      if (!(await connections.takeParts(seen, rest, by))) continue;
      const { isOrdered } = complete;
      for (const packet of taken)
        packets.push({ parts: await binaryParts.take(connectionId, packet), isOrdered });
    }
  }
}

function partOf({ messageId, receivedAt, content }: PartFrame): BinaryPart {
  const attachments = typeof content === "string" ? announcedAttachments(content) : undefined;
  return { id: messageId, receivedAt, bytes: Buffer.byteLength(content), attachments };
}
