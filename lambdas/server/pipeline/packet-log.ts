import { isInRange, type KeyRange, type RoomKey } from "#server/model/key-range.ts";
import { broadcastOf, packetId } from "#server/model/offset.ts";
import type { LogEntry, PendingPacket } from "#server/model/packet-log.ts";
import { isOverdue } from "#server/model/recovery.ts";
import { type Emission, isOfRooms } from "#server/socket/emit-buffer.ts";
import type { Log } from "#server/store/adapter.ts";

/** The emissions with ids, from which the offsets of events are made. */
export function numbered(emissions: readonly Emission[], newId: () => string): Emission[] {
  const broadcast = newId();
  return emissions.map((emission, index) => ({ ...emission, id: packetId(broadcast, index) }));
}

/** Packets without their ids where they come late to a part of their rooms: they are sent as a broadcast of their own. */
export const inTime = (emissions: readonly Emission[], now: number): readonly Emission[] =>
  emissions.every((one) => !isMove(one) && one.id !== undefined && isOverdue(one.id, now))
    ? emissions.map(({ id, ...emission }) => ({ ...emission, instead: id }))
    : emissions;

/** Whether it moves or ends sockets: those that are meant are known by its time. */
const isMove = ({ frames, closes }: Emission): boolean =>
  frames.length === 0 || closes !== undefined;

/** What has to be in the logs of rooms, for sockets of a part of them that come back. */
export function entriesOf(emissions: readonly Emission[], range?: KeyRange): readonly LogEntry[] {
  const part = range?.after === undefined ? undefined : range;
  return emissions.flatMap(
    ({ audience, frames, isEvent, leaves, at, closes, instead, id = "" }) => {
      if (!isOfRooms(audience) || audience.isVolatile) return [];
      if (!isEvent && leaves === undefined && closes === undefined) return [];
      const { tenant, nsp, rooms, ...rest } = audience;
      return [...new Set(rooms)].map((room) => ({
        ...{ room: { tenant, nsp, room }, id, frames, audience: rest, leaves, at, closes },
        ...{ part, instead },
      }));
    },
  );
}

/** Where an emission is found in the log; nothing where it is not kept. */
export function pendingOf(emission: Emission): PendingPacket | undefined {
  const [entry, ...others] = entriesOf([emission]);
  return entry && { room: entry.room.room, id: entry.id, isShared: others.length > 0 };
}

/** Notes when the posts of some emissions were over, in a part of their rooms. */
export async function mark(
  log: Pick<Log, "mark">,
  emissions: readonly Emission[],
  part: { readonly range: KeyRange; readonly also: readonly string[]; readonly done: number },
): Promise<void> {
  const rooms = new Map<string, { readonly room: RoomKey; readonly broadcast: string }>();
  for (const { room, id } of entriesOf(emissions))
    rooms.set(JSON.stringify(room), { room, broadcast: broadcastOf(id) });
  if (rooms.size > 0) await log.mark([...rooms.values()].map((one) => ({ ...one, ...part })));
}

/** Whether a mark speaks of a session. */
export const isMarkedFor = (
  sid: string,
  { range, also }: { readonly range: KeyRange; readonly also: readonly string[] },
): boolean => isInRange(sid, range) || also.includes(sid);
