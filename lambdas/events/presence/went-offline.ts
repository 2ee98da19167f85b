import { presenceAudience, type Room } from "#model/room.ts";
import type { Broadcast } from "#socket/broadcast.ts";
import type { Emits } from "../emits.ts";

/** Tells those who could see a user online that the last socket of that user went. */
export function announceOffline(
  to: (rooms: readonly Room[]) => Broadcast<Emits>,
  userId: string,
  last: readonly Room[],
  timestamp: string,
): void {
  for (const room of last)
    to([presenceAudience(room), room]).emit("presence:user:offline", { userId, timestamp });
}
