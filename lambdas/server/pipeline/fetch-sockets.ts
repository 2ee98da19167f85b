import { FETCHED, MAX_FETCHED, type RoomAudience } from "#server/model/audience.ts";
import type { Page, Sockets } from "#server/socket/broadcast.ts";
import { findRecipients } from "./audience.ts";
import { everyoneOf } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

/** A page of the sockets of some rooms, with what the table holds of them. */
export async function fetchSockets(
  { app, adapter }: Pick<Parts, "app" | "adapter">,
  audience: RoomAudience,
  { after, limit = FETCHED }: Page = {},
): Promise<Sockets<unknown>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_FETCHED)
    throw new Error(
      `limit must be a whole number from 1 to ${MAX_FETCHED}, not ${JSON.stringify(limit)}`,
    );
  if (after !== undefined && typeof after !== "string")
    throw new Error(`after must be the next of a page, not ${JSON.stringify(after)}`);
  const { resolve, range } = await findRecipients(
    [{ audience, frames: [] }],
    [],
    { after, without: [] },
    { rooms: adapter.rooms, pageSize: limit },
  );
  const found = [...resolve(audience)].flatMap(({ sid }) => sid ?? []).toSorted(byCode);
  // Of several rooms there may be more.
  const sids = found.slice(0, limit);
  const next = sids.length < found.length ? sids.at(-1) : range.upTo;
  const everyone = everyoneOf(app.namespaces[audience.nsp] ?? {});
  const sockets = (await adapter.sessions.getAll(sids))
    .filter(({ endedAt }) => endedAt === undefined)
    .toSorted((a, b) => byCode(a.sid, b.sid))
    .map(({ session: { id, userId, data }, rooms }) => ({
      ...{ id, userId, data },
      rooms: rooms.filter((room) => room !== everyone),
    }));
  return Object.assign(sockets, next !== undefined && { next });
}

/** The order of DynamoDB's sort keys. */
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);
