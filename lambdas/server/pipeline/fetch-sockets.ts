import type { RoomAudience } from "#server/model/audience.ts";
import type { Page, Sockets } from "#server/socket/broadcast.ts";
import type { Adapter } from "#server/store/adapter.ts";
import { findRecipients } from "./audience.ts";

/** Sockets of each room that are read at once, each with all that is kept of it. */
const PAGE = 100;
const MAX_PAGE = 1000;

/** A page of the sockets of some rooms, with what the table holds of them. */
export async function fetchSockets(
  { rooms, sessions }: Pick<Adapter, "rooms" | "sessions">,
  audience: RoomAudience,
  { after, limit = PAGE }: Page = {},
): Promise<Sockets<unknown>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new Error(`limit must be a whole number from 1 to ${MAX_PAGE}, not ${limit}`);
  const { resolve, range } = await findRecipients(
    [{ audience, frames: [] }],
    [],
    { after, without: [] },
    { rooms, pageSize: limit },
  );
  const sids = [...resolve(audience)].flatMap(({ sid }) => sid ?? []);
  const sockets = (await sessions.getAll(sids))
    .filter(({ endedAt }) => endedAt === undefined)
    .toSorted((a, b) => (a.sid < b.sid ? -1 : 1))
    .map(({ session: { id, userId, data }, rooms: own }) => ({ id, userId, data, rooms: own }));
  return Object.assign(sockets, range.upTo !== undefined && { next: range.upTo });
}
