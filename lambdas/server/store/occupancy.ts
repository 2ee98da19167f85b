import { EVERYBODY, type RoomKey } from "#server/model/key-range.ts";
import type { Rooms } from "./adapter.ts";
import { occupancyKey } from "./keys.ts";
import type { Storage } from "./table.ts";

/** Sockets of a room that one look reads: tombstones may come before those that are in it. */
const LOOK = 100;

/** Looks in a row: joins and leaves go on meanwhile, and each is followed by looks of its own. */
const MAX_LOOKS = 5;

/**
 * Notes of each room whether anybody is in it: an item that is there from the first join to the last leave. It is put
 * and deleted once each, whatever comes at the same time, so that its own changes say when a room is occupied and vacated.
 */
export const createOccupancy = (
  { table }: Pick<Storage, "table">,
  { page }: Pick<Rooms, "page">,
) => ({
  /** Notes what a room is now. */
  async update(room: RoomKey): Promise<void> {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const { members, until } = await page(room, EVERYBODY, LOOK);
      const isOccupied = members.length > 0;
      // Nobody knows whether somebody comes after so many tombstones: their deletion asks again.
      if (!isOccupied && until !== undefined) return;
      const key = occupancyKey(room);
      const isChanged = isOccupied
        ? await table.create({ ...key })
        : (await table.remove(key)) !== undefined;
      if (!isChanged) return;
    }
  },
});
