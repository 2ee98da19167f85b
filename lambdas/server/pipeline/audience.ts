import type { RoomAudience } from "#server/model/audience.ts";
import { divideRest, type KeyRange, type RoomKey } from "#server/model/key-range.ts";
import type { Match } from "#server/model/matching.ts";
import { once } from "#server/model/once.ts";
import type { Listed } from "#server/model/session.ts";
import { isPolling } from "#server/model/transport.ts";
import {
  type Audience,
  type Emission,
  isOfRooms,
  type SocketAudience,
} from "#server/socket/emit-buffer.ts";
import type { DeliveryParts } from "./deliver.ts";

/** A socket as a room still lists it. */
export type Listing = RoomKey & Pick<Listed, "sid" | "connectedAt">;

type RoomList = Map<string, Listed>;

/** Other functions that the rest is divided among; each may do the same. */
const BRANCHES = 16;

/** The sockets of a key range, as far as this function takes care of them. */
export interface Recipients {
  /** The sockets of an audience, each once. */
  resolve(
    audience: Audience,
  ): Iterable<SocketAudience & Partial<Pick<Listed, "connectedAt" | "userId">>>;
  /** Takes the sockets of an emission out of the room that they leave, for all that is resolved after this. */
  leave(emission: Emission): void;
  /** Those that the application finds, which get a copy besides. */
  matching(audience: Audience): readonly Match[];
  /** The rooms that list a socket of a connection. */
  listing(connectionId: string): readonly Listing[];
  /** Where rooms list clients that have begun with polling. */
  polling(): readonly (RoomKey & Listed)[];
  /** Where rooms list sockets of which only their session knows whether they may be posted to. */
  recovering(): readonly Listing[];
  /** The part of the rooms that this function takes care of, and whom besides. */
  readonly range: KeyRange;
  readonly also: readonly string[];
  /** What other functions take care of. */
  readonly rest: readonly KeyRange[];
}

/** Reads every room, and what the application matches, once, all of them up to the same id. */
export async function findRecipients(
  emissions: readonly Emission[],
  callers: readonly SocketAudience[],
  range: KeyRange,
  { rooms, matching: matcher, pageSize }: Pick<DeliveryParts, "rooms" | "matching" | "pageSize">,
): Promise<Recipients> {
  const [known, watching] = await Promise.all([
    Promise.all(
      [...roomsOf(emissions).values()].map(async (room) => ({
        room,
        page: await rooms.page(room, range, pageSize),
      })),
    ),
    Promise.all(
      withCriteria(emissions).map(async ({ tenant, criteria }) => ({
        criteria,
        page: await matcher?.page(tenant, criteria, range, pageSize),
      })),
    ),
  ]);
  const pages = [...known, ...watching].map(({ page }) => page);
  const [cut] = pages.flatMap((page) => page?.until ?? []).toSorted(byCode);
  const without = new Set(range.without);
  const isMine = ({ sid }: { readonly sid: string }) =>
    !without.has(sid) && (cut === undefined || sid <= cut);
  // A caller gets all its packets from here, in their order, wherever it is in the room.
  const late =
    cut === undefined
      ? []
      : [...new Set(callers.flatMap(({ sid }) => sid ?? []))].filter((sid) => sid > cut);
  const lists = await Promise.all(
    known.map(async ({ room, page }) => {
      const found = late.length === 0 ? [] : await rooms.among(room, late);
      const list = [...page.members.filter(isMine), ...found];
      return { room, list: new Map(list.map((member) => [member.sid, member])) };
    }),
  );
  const byKey = new Map(lists.map((entry) => [keyOf(entry.room), entry.list]));
  const matches = new Map<unknown, readonly Match[]>(
    watching.map(({ criteria, page }) => [criteria, page?.matching.filter(isMine) ?? []]),
  );
  const listOf = ({ tenant, nsp }: RoomAudience, room: string): RoomList =>
    byKey.get(keyOf({ tenant, nsp, room })) ?? new Map();

  const listings = (isMeant: (listed: Listed) => boolean): readonly Listing[] =>
    lists.flatMap(({ room, list }) =>
      [...list.values()]
        .filter(isMeant)
        .map(({ sid, connectedAt }) => ({ ...room, sid, connectedAt })),
    );

  return {
    resolve: (audience) => (isOfRooms(audience) ? resolve(audience, listOf) : [audience]),
    leave({ audience, leaves: room }) {
      if (room === undefined || !isOfRooms(audience)) return;
      const list = byKey.get(keyOf({ ...audience, room }));
      for (const { sid = "" } of resolve(audience, listOf)) list?.delete(sid);
    },
    matching(audience) {
      return (isOfRooms(audience) && matches.get(audience.criteria)) || [];
    },
    polling: once(() => pollingIn(lists)),
    recovering: () => listings(({ isRecovering }) => isRecovering === true),
    range: cut === undefined ? range : { ...range, upTo: cut },
    also: late,
    listing: (connectionId) => listings((listed) => listed.connectionId === connectionId),
    rest:
      cut === undefined
        ? []
        : divideRest({ ...range, without: [...range.without, ...late] }, cut, BRANCHES),
  };
}

const pollingIn = (
  lists: readonly { readonly room: RoomKey; readonly list: RoomList }[],
): readonly (RoomKey & Listed)[] =>
  lists.flatMap(({ room, list }) =>
    [...list.values()]
      .filter(({ connectionId }) => isPolling(connectionId))
      .map((one) => ({ ...room, ...one })),
  );

/** The sockets of some rooms, each once. */
function resolve(
  audience: RoomAudience,
  listOf: (audience: RoomAudience, room: string) => RoomList,
): Iterable<SocketAudience & Pick<Listed, "connectedAt" | "userId">> {
  const { rooms, except, exceptUsers = [], sender, nsp } = audience;
  const users = new Set(exceptUsers);
  const listed = rooms.flatMap((room) => [...listOf(audience, room).values()]);
  const meant = listed.filter(({ userId }) => !users.has(userId)).filter(isTagged(audience));
  const sockets = new Map<string, SocketAudience & Listed>();
  // A room may still list one that has come back by where it was before.
  for (const member of meant)
    if (!(member.connectedAt < Number(sockets.get(member.sid)?.connectedAt)))
      sockets.set(member.sid, { ...member, nsp });
  for (const room of except) for (const sid of listOf(audience, room).keys()) sockets.delete(sid);
  if (sender !== undefined) sockets.delete(sender);
  return sockets.values();
}

function roomsOf(emissions: readonly Emission[]): ReadonlyMap<string, RoomKey> {
  const found = new Map<string, RoomKey>();
  for (const { audience } of emissions)
    if (isOfRooms(audience))
      for (const room of [...audience.rooms, ...audience.except]) {
        const { tenant, nsp } = audience;
        found.set(keyOf({ tenant, nsp, room }), { tenant, nsp, room });
      }
  return found;
}

const withCriteria = (emissions: readonly Emission[]): readonly RoomAudience[] =>
  emissions
    .map(({ audience }) => audience)
    .filter(isOfRooms)
    .filter(({ criteria }) => criteria !== undefined);

const keyOf = ({ tenant, nsp, room }: RoomKey): string => JSON.stringify([tenant, nsp, room]);

/** The order of DynamoDB's sort keys. */
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

/** A room that lists no tags of a socket lets it in whatever is asked for. */
const isTagged =
  ({ tag }: RoomAudience) =>
  ({ tags }: Listed): boolean =>
    tag === undefined || tags === undefined || tags === "*" || tags.includes(tag);
