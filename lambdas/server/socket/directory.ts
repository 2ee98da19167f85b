import { grants } from "#mudbase/model/identity.ts";
import type { Listed } from "#server/model/connection.ts";
import { divideRest, type Slice } from "#server/model/key-range.ts";
import type { Room } from "#server/model/room.ts";
import type { DeliveryParts } from "./delivery.ts";
import type { Audience, Emission, Watched } from "./emit-buffer.ts";

/** Live queries, matched a slice at a time. */
export interface LiveQueryPages {
  /** Those that match of the first connections of a slice; `until` is the last of these where there are more. */
  page(org: string, watched: Watched, slice: Slice, limit: number): Promise<MatchingPage>;
}

interface MatchingPage {
  readonly matching: readonly Matching[];
  readonly until?: string | undefined;
}

interface Matching {
  readonly connectionId: string;
  readonly queryId: string;
}

/** A room and the organisation it lives in. */
export interface RoomOfOrg {
  readonly org: string;
  readonly room: Room;
}

type RoomList = ReadonlyMap<string, Listed>;

/** Other functions that the rest is divided among; each may do the same. */
const BRANCHES = 16;

/** The sockets of a slice, as far as this function takes care of them. */
export interface Directory {
  /** The connections of an audience, each once. */
  resolve(audience: Audience): ReadonlySet<string>;
  /** The live queries that get a copy, besides. */
  matching(audience: Audience): readonly Matching[];
  /** The rooms that list a connection. */
  listing(connectionId: string): readonly RoomOfOrg[];
  /** What other functions take care of. */
  readonly rest: readonly Slice[];
}

/** Reads every room and every collection's live queries once, all of them up to the same id. */
export async function readDirectory(
  emissions: readonly Emission[],
  callers: readonly string[],
  slice: Slice,
  { rooms, liveQueries, pageSize }: DeliveryParts,
): Promise<Directory> {
  const [known, watching] = await Promise.all([
    Promise.all(
      [...roomsOf(emissions).values()].map(async ({ org, room }) => ({
        ...{ org, room },
        page: await rooms.page(org, room, slice, pageSize),
      })),
    ),
    Promise.all(
      watchedBy(emissions).map(async ({ org, watched }) => ({
        watched,
        page: await liveQueries?.page(org, watched, slice, pageSize),
      })),
    ),
  ]);
  const pages = [...known, ...watching].map(({ page }) => page);
  const [cut] = pages.flatMap((page) => page?.until ?? []).toSorted(byCode);
  const without = new Set(slice.without);
  const isMine = ({ connectionId }: { readonly connectionId: string }) =>
    !without.has(connectionId) && (cut === undefined || connectionId <= cut);
  // A caller gets all its packets from here, in their order, wherever it is in the room.
  const late = cut === undefined ? [] : callers.filter((caller) => caller > cut);
  const lists = await Promise.all(
    known.map(async ({ org, room, page }) => {
      const found = late.length === 0 ? [] : await rooms.among(org, room, late);
      const list = [...page.members.filter(isMine), ...found];
      return { org, room, list: new Map(list.map((member) => [member.connectionId, member])) };
    }),
  );
  const byKey = new Map(lists.map((entry) => [keyOf(entry.org, entry.room), entry.list]));
  const matching = new Map<Watched | undefined, readonly Matching[]>(
    watching.map(({ watched, page }) => [watched, page?.matching.filter(isMine) ?? []]),
  );
  const listOf = (org: string, room: Room): RoomList => byKey.get(keyOf(org, room)) ?? new Map();

  return {
    resolve(audience) {
      if ("connectionId" in audience) return new Set([audience.connectionId]);
      const { org, rooms: included, except, exceptUsers = [], sender } = audience;
      const users = new Set(exceptUsers);
      const listed = included.flatMap((room) => [...listOf(org, room).values()]);
      const meant = listed.filter(({ userId }) => !users.has(userId)).filter(isGranted(audience));
      const connectionIds = new Set(meant.map(idOf));
      for (const room of except)
        for (const id of listOf(org, room).keys()) connectionIds.delete(id);
      if (sender !== undefined) connectionIds.delete(sender);
      return connectionIds;
    },
    matching(audience) {
      const watched = "watched" in audience ? audience.watched : undefined;
      return matching.get(watched) ?? [];
    },
    listing: (connectionId) =>
      lists.filter(({ list }) => list.has(connectionId)).map(({ org, room }) => ({ org, room })),
    rest:
      cut === undefined
        ? []
        : divideRest({ ...slice, without: [...slice.without, ...late] }, cut, BRANCHES),
  };
}

function roomsOf(emissions: readonly Emission[]): ReadonlyMap<string, RoomOfOrg> {
  const found = new Map<string, RoomOfOrg>();
  for (const { audience } of emissions)
    if ("rooms" in audience)
      for (const room of [...audience.rooms, ...audience.except])
        found.set(keyOf(audience.org, room), { org: audience.org, room });
  return found;
}

const watchedBy = (emissions: readonly Emission[]) =>
  emissions.flatMap(({ audience }) =>
    "watched" in audience && audience.watched !== undefined
      ? { org: audience.org, watched: audience.watched }
      : [],
  );

const keyOf = (org: string, room: Room): string => JSON.stringify([org, room]);

/** The order of DynamoDB's sort keys. */
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

const idOf = ({ connectionId }: Listed): string => connectionId;

/** Only users' own rooms list what a token grants; in the others everyone was let in already. */
const isGranted =
  ({ grantedProject }: { readonly grantedProject?: string | undefined }) =>
  ({ projects }: Listed): boolean =>
    grantedProject === undefined || projects === undefined || grants({ projects }, grantedProject);
