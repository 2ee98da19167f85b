import type { Queue, QueueState } from "#server/model/polling.ts";
import { queueKey } from "./keys.ts";
import type { Item, Storage } from "./table.ts";

/** Moves all that waits to `sent`: the right-hand sides are read before anything is written. */
export const TAKE = "sent = packets, packets = :none, #size = :zero";
export const TAKEN = { ":none": [], ":zero": 0 };
export const DROP = "packets, #size, sent, sentTo, ids, sentIds, poll, pollAt";
export const NAMES = { "#state": "state", "#size": "size" };
export const STATE = { "#state": "state" };

/** In a batch, the one kind of read that every function may do. */
export const createFind =
  ({ table }: Storage) =>
  async (connectionId: string): Promise<StoredQueue | undefined> => {
    const [item] = await table.getAll([queueKey(connectionId)]);
    return queueOf(item);
  };

/** What the item says besides. */
export interface StoredQueue extends Queue {
  /** Of the appends since the last GET came, and since the one before it until then. */
  readonly ids?: Readonly<Record<string, true>>;
  readonly sentIds?: Readonly<Record<string, true>>;
  readonly flushedAt?: number;
  /** The state that it was closed in. */
  readonly closedIn?: QueueState;
}

export const queueOf = (item: Item | undefined): StoredQueue | undefined =>
  item && { ...{ packets: [], sent: [] }, ...(item as unknown as StoredQueue) };
