import type { RoomKey } from "#server/model/key-range.ts";
import type { Rooms } from "./adapter.ts";
import { occupancyKey } from "./keys.ts";
import type { Storage } from "./table.ts";

/** Sockets of a room that one page has: tombstones may come before those that are in it. */
const PAGE = 100;

/** Pages of one read, each of up to four times as many items. */
const MAX_PAGES = 20;

/** Reads in a row: joins and leaves go on meanwhile, and each is followed by reads of its own. */
const MAX_READS = 5;

/**
 * Notes of each room whether anybody is in it: an item that is there from the first join to the last leave. It is put
 * and deleted once each, whatever comes at the same time, so that its own changes say when a room is occupied and vacated.
 */
export function createOccupancy({ table }: Pick<Storage, "table">, { page }: Pick<Rooms, "page">) {
  return {
    /** Notes what a room is now. */
    async update(room: RoomKey): Promise<void> {
      for (let read = 0; read < MAX_READS; read += 1) {
        const isOccupied = await hasMembers(room);
        // Nobody knows whether somebody comes after so many tombstones: their deletion asks again.
        if (isOccupied === undefined) return;
        const key = occupancyKey(room);
        const isChanged = isOccupied
          ? await table.putIf({ ...key }, { condition: "attribute_not_exists(pk)" })
          : (await table.remove(key)) !== undefined;
        if (!isChanged) return;
      }
    },
  };

  async function hasMembers(room: RoomKey): Promise<boolean | undefined> {
    let after: string | undefined;
    for (let read = 0; read < MAX_PAGES; read += 1) {
      const { members, until } = await page(room, { after, without: [] }, PAGE);
      if (members.length > 0) return true;
      if (until === undefined) return false;
      after = until;
    }
    return undefined;
  }
}
