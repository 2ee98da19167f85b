import type { Identity } from "#mudbase/model/identity.ts";
import { presenceAudience, type Room } from "#server/model/room.ts";
import type { Broadcast } from "#server/socket/broadcast.ts";
import type { Emits } from "./emits.ts";

/** Announcements of one change that were each overtaken by another change. */
const ROUNDS = 5;

export interface AnnounceParts {
  readonly to: (rooms: readonly Room[]) => Broadcast<Emits>;
  /** Posts what was emitted, and resolves when all of it has been. */
  readonly flush: () => Promise<void>;
  /** The rooms of these in which the user is online now. */
  readonly onlineIn: (rooms: readonly Room[]) => Promise<readonly Room[]>;
  readonly timestamp: string;
}

/**
 * Tells those who can see a user in some rooms that it has come online there, or gone; and looks again
 * when they have been told. Another function may have told the contrary in the meantime, so where it is
 * no longer so they are told what is: whoever speaks last has looked after speaking.
 */
export async function announce(
  change: "online" | "offline",
  { userId, user }: Pick<Identity, "userId" | "user">,
  changed: readonly Room[],
  { to, flush, onlineIn, timestamp }: AnnounceParts,
): Promise<void> {
  let [isOnline, rooms] = [change === "online", changed];
  for (let round = 0; round < ROUNDS && rooms.length > 0; round += 1) {
    const audience = to(rooms.flatMap((room) => [presenceAudience(room), room]));
    if (isOnline) audience.emit("presence:user:online", { userId, user, timestamp });
    else audience.emit("presence:user:offline", { userId, timestamp });
    await flush();

    const online = new Set(await onlineIn(rooms));
    rooms = rooms.filter((room) => online.has(room) !== isOnline);
    isOnline = !isOnline;
  }
}
