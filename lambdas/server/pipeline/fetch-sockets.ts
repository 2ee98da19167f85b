import type { RoomAudience } from "#server/model/audience.ts";
import { EVERYBODY } from "#server/model/key-range.ts";
import type { RemoteSocket } from "#server/socket/broadcast.ts";
import { findRecipients } from "./audience.ts";
import type { Parts } from "./parts.ts";

/** Sockets that are read at once, each with all that is kept of it. */
const PAGE = 100;

/** The sockets of some rooms with what the table holds of them: the first hundred of each room. */
export const createFetchSockets =
  ({ adapter }: Pick<Parts, "adapter">) =>
  async (audience: RoomAudience): Promise<readonly RemoteSocket[]> => {
    const { resolve } = await findRecipients([{ audience, frames: [] }], [], EVERYBODY, {
      rooms: adapter.rooms,
      pageSize: PAGE,
    });
    const sids = [...resolve(audience)].flatMap(({ sid }) => sid ?? []);
    return (await adapter.sessions.getAll(sids))
      .filter(({ endedAt }) => endedAt === undefined)
      .map(({ session: { id, userId, data }, rooms }) => ({ id, userId, data, rooms }));
  };
