import { MAX_RUN } from "#server/model/limits.ts";
import { copyId } from "#server/model/offset.ts";
import { type Emission, isOfRooms } from "#server/socket/emit-buffer.ts";
import type { Rooms } from "#server/store/adapter.ts";
import type { Recipients } from "./audience.ts";
import { forEach } from "./for-each.ts";

/** An emission on its way to one socket; a match's copy of it has a field more. */
export type Queued = Emission & {
  readonly sid?: string | undefined;
  readonly field?: readonly [name: string, value: string];
};

export type Queues = Map<string, Queued[]>;

/** The id of a packet, or of a match's copy of it. */
export const idOf = ({ id = "", field }: Pick<Queued, "id" | "field">): string =>
  field === undefined ? id : copyId(id, field);

/** The same, and the one that it had before it was sent anew. */
export const idsOf = ({ instead, ...queued }: Queued) => ({
  id: idOf(queued),
  instead: instead && idOf({ ...queued, id: instead }),
});

/** The rooms that sockets are put into and taken out of, and when. */
interface MovingParts {
  readonly rooms: Pick<Rooms, "join" | "leave">;
  readonly now: () => number;
}

/** Puts sockets into rooms, but those that may be in no more, or are no more; gives what was thrown. */
export async function joinRooms(
  emissions: readonly Emission[],
  { resolve }: Recipients,
  { rooms, now }: MovingParts,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const { audience, joins, at } of emissions) {
    if (joins === undefined || !isOfRooms(audience)) continue;
    const { tenant, nsp } = audience;
    const members = new Map([...resolve(audience)].map((one) => [one.sid ?? "", one]));
    await forEach(members, async (sid, { userId = "" }) => {
      await rooms
        .join({ sid, tenant, nsp, userId }, joins, timeOf(at, now()))
        .catch((error: unknown) => void failures.push(error));
    });
  }
  return failures;
}

/** Takes connections out of rooms; those that could not leave are to get nothing of rooms. */
export async function leaveRooms(queues: Queues, { rooms, now }: MovingParts): Promise<unknown[]> {
  const failures: unknown[] = [];
  await forEach(queues, async (connectionId, queue) => {
    try {
      for (const { audience, leaves, at, sid } of queue)
        if (leaves !== undefined && sid !== undefined && isOfRooms(audience))
          await rooms.leave(
            { sid, tenant: audience.tenant, nsp: audience.nsp },
            [leaves],
            timeOf(at, now()),
          );
    } catch (error) {
      failures.push(error);
      const own = queue.filter(({ audience }) => !isOfRooms(audience));
      if (own.length > 0) queues.set(connectionId, own);
      else queues.delete(connectionId);
    }
  });
  return failures;
}

/** When a move was commanded: no longer ago than what it could meet is remembered for. */
const timeOf = (at: number | undefined, now: number): number => Math.max(at ?? now, now - MAX_RUN);
