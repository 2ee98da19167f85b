import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { RoomKey } from "#server/model/key-range.ts";
import type { LifecycleEvent } from "#server/model/lifecycle.ts";
import type { StoredSession } from "#server/model/session.ts";
import { type Key, roomOf } from "./keys.ts";
import { recordOf } from "./session-item.ts";
import type { Item } from "./table.ts";

/** What an item was before a change and is after it; nothing where there was none, or is none. */
export interface ItemChange {
  readonly before?: Item | undefined;
  readonly after?: Item | undefined;
}

/** The change that a record of the table's stream is of. */
export const changeIn = (
  images: { readonly OldImage?: object | undefined; readonly NewImage?: object | undefined } = {},
): ItemChange => ({ before: itemIn(images.OldImage), after: itemIn(images.NewImage) });

const itemIn = (image: object | undefined) =>
  image && unmarshall(image as Record<string, AttributeValue>);

const keyOf = ({ before, after }: ItemChange): Key => (after ?? before) as unknown as Key;

/** What a change of an item says of a socket, or of a room, if it says anything. */
export function lifecycleEventIn(change: ItemChange): LifecycleEvent | undefined {
  const { pk } = keyOf(change);
  if (pk.startsWith("sess#")) return socketEventIn(recordOf(change.before), recordOf(change.after));
  if (!pk.startsWith("occupied#")) return undefined;
  if (change.before === undefined) return { type: "Room Occupied", ...detailOf(roomOf({ pk })) };
  return change.after === undefined
    ? { type: "Room Vacated", ...detailOf(roomOf({ pk })) }
    : undefined;
}

/** The room in which a change has put a socket, or out of which it has taken one; no socket's own room. */
export function changedRoomIn(change: ItemChange): RoomKey | undefined {
  const { pk, sk } = keyOf(change);
  if (!pk.startsWith("room#")) return undefined;
  const isListed = (item: Item | undefined) => item !== undefined && item.released === undefined;
  const room = roomOf({ pk });
  const isOwn = room.room === sk.split("#")[0];
  // What is deleted may be the last of many tombstones, behind which nobody had looked.
  const isChanged =
    change.after === undefined || isListed(change.before) !== isListed(change.after);
  return isChanged && !isOwn ? room : undefined;
}

const detailOf = ({ tenant, nsp, room }: RoomKey) => ({
  detail: { ...ofTenant(tenant), namespace: nsp, room },
});

const ofTenant = (tenant: string) => (tenant === "" ? {} : { tenant });

function socketEventIn(
  before: StoredSession | undefined,
  after: StoredSession | undefined,
): LifecycleEvent | undefined {
  const session = after ?? before;
  if (session === undefined || before?.endedAt !== undefined) return undefined;
  const { nsp, session: identity, reason = "transport close" } = session;
  const { id, tenant, userId } = identity;
  const detail = { ...ofTenant(tenant), namespace: nsp, socketId: id, userId };
  if (after === undefined || after.endedAt !== undefined)
    return before && { type: "Socket Disconnected", detail: { ...detail, reason } };
  if (before === undefined) return { type: "Socket Connected", detail };
  const isBack = before.state !== "connected" && after.state === "connected";
  return isBack ? { type: "Socket Recovered", detail } : undefined;
}
