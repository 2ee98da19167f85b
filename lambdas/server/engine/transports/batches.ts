import { bytesOf, MAX_SENT } from "#server/model/polling.ts";

/** Bytes of a batch that holds more than one packet. */
const MAX_BYTES = 32_768;

/** Packets, or frames of one, for a connection that go together. */
interface Batch<Result> {
  readonly packets: string[];
  bytes: number;
  /** Whether it may take more. */
  isOpen: boolean;
  readonly result: Promise<Result>;
}

/**
 * Does something with packets for a connection, one after another, with all frames of each; those that come while it is
 * at work go together, as many as a GET makes room for. A client that sends many events at once is answered many at once.
 */
export function createBatches<Result>(
  work: (connectionId: string, packets: readonly string[]) => Promise<Result>,
) {
  const last = new Map<string, Batch<Result>>();

  return (connectionId: string, packets: readonly string[]): Promise<Result> => {
    const bytes = bytesOf(packets);
    const before = last.get(connectionId);
    if (before?.isOpen && hasRoom(before, packets.length, bytes)) {
      before.packets.push(...packets);
      before.bytes += bytes;
      return before.result;
    }
    const batch: Batch<Result> = { packets: [...packets], bytes, isOpen: true, result: begin() };
    last.set(connectionId, batch);
    return batch.result;

    async function begin(): Promise<Result> {
      await before?.result.catch(() => undefined);
      batch.isOpen = false;
      return work(connectionId, batch.packets).finally(() => {
        if (last.get(connectionId) === batch) last.delete(connectionId);
      });
    }
  };
}

const hasRoom = (
  { packets, bytes: taken }: Batch<unknown>,
  count: number,
  bytes: number,
): boolean => packets.length + count <= MAX_SENT && taken + bytes <= MAX_BYTES;
