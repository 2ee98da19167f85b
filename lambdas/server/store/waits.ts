import type { Waits } from "#server/model/polling.ts";
import { waitKey } from "./keys.ts";
import type { Storage } from "./table.ts";

/** Tries to find a free slot among all: the fewer are free, the fewer of those that come find one. */
const TRIES = 2;

/** Seconds for which DynamoDB keeps what is of no use any more. */
const KEPT = 60;

/** Slots in the table, which a function that dies gives back by the time at which its wait would have ended. */
export const createWaits = ({ table, now }: Storage): Waits => ({
  async acquire(slots, request, milliseconds) {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const slot = Math.floor(Math.random() * slots);
      const heldUntil = now() + milliseconds;
      const item = {
        ...waitKey(slot),
        ...{ holder: request, heldUntil, expiresAt: Math.ceil(heldUntil / 1000) + KEPT },
      };
      const condition = "attribute_not_exists(pk) OR heldUntil < :now OR holder = :request";
      const values = { ":now": now(), ":request": request };
      if (await table.putIf(item, { condition, values })) return slot;
    }
    return undefined;
  },

  async release(slot, request) {
    const condition = "holder = :request";
    await table.remove(waitKey(slot), { condition, values: { ":request": request } });
  },
});
