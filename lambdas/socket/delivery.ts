import type { Listed, Member } from "#model/connection.ts";
import { grants } from "#model/identity.ts";
import type { PostResult } from "#model/posting.ts";
import type { Room } from "#model/room.ts";
import { divideRest, type RoomPages, type Slice } from "#model/slice.ts";
import type { Audience, Emission } from "./outbox.ts";

/** Functions that one function hands the rest of a large room on to; each may do the same. */
const BRANCHES = 16;

/** Connections served at the same time: more would wait in memory for a free connection to the gateway. */
const AT_ONCE = 50;

/** Emissions for those of their rooms' sockets that are in a slice. */
export interface Parcel {
  readonly emissions: readonly Emission[];
  readonly slice: Slice;
}

export interface DeliveryParts {
  readonly rooms: RoomPages;
  /** Sockets of a room that one function posts to. */
  readonly pageSize: number;
  readonly post: (connectionId: string, frame: string) => Promise<PostResult>;
  /** Takes a connection out of rooms. */
  readonly leave: (
    member: Pick<Member, "connectionId" | "org">,
    rooms: readonly Room[],
  ) => Promise<unknown>;
  /** Has another function deliver a parcel. */
  readonly handOn: (parcel: Parcel) => Promise<void>;
  /** Called once the audience is known, before the first post. */
  readonly ready?: (() => Promise<void>) | undefined;
}

/** What became of a delivery besides the packets that arrived. */
export interface Delivered {
  /** Connections posted to. */
  readonly recipients: number;
  /** Frames posted to them, as far as they were there. */
  readonly posts: number;
  readonly gone: readonly Gone[];
  /** Connections whose session a packet has ended; `close` where they are to be cut as well. */
  readonly ended: readonly { readonly connectionId: string; readonly close: boolean }[];
  /** What was thrown where a connection could not leave a room; such a one got nothing, and `ready` was not called. */
  readonly stayed: readonly unknown[];
  /** What was thrown where a post failed for another reason than a connection being gone. */
  readonly failures: readonly unknown[];
}

/** A connection that no longer exists, with the rooms that still list it. */
export interface Gone {
  readonly connectionId: string;
  readonly found: readonly RoomOfOrg[];
}

/** A room and the organisation it lives in. */
export interface RoomOfOrg {
  readonly org: string;
  readonly room: Room;
}

/**
 * Posts the emissions to their audiences: every room is read once, every connection gets its frames
 * in the order emitted, and connections do not wait for one another. Where a room is larger than a
 * page, this posts to a first slice of all of them, and hands the rest on.
 */
export async function deliver(
  { emissions, slice }: Parcel,
  parts: DeliveryParts,
): Promise<Delivered> {
  const callers = callersOf(emissions);
  const directory = await readDirectory(emissions, callers, slice, parts);
  const queues = fillQueues(emissions, callers, directory);
  const stayed = emissions.some(isLeave) ? await leaveRooms(queues, parts.leave) : [];
  if (stayed.length === 0) await parts.ready?.();
  let posts = 0;
  const gone: Gone[] = [];
  const failures: unknown[] = [];

  await Promise.all([
    forEach(queues, carry),
    ...directory.rest.map((rest) =>
      parts
        .handOn({ emissions: emissions.filter(isForRooms), slice: rest })
        .catch((error: unknown) => void failures.push(error)),
    ),
  ]);
  return { recipients: queues.size, posts, gone, ended: endings(queues), stayed, failures };

  async function carry(connectionId: string, queue: readonly Emission[]): Promise<void> {
    try {
      const result = await postAll(connectionId, queue, (...frame) => {
        posts += 1;
        return parts.post(...frame);
      });
      if (result === "gone") gone.push({ connectionId, found: directory.listing(connectionId) });
      if (result === "too_large") failures.push(new Error("a frame is larger than 128 KB"));
    } catch (error) {
      failures.push(error);
    }
  }
}

type Queues = Map<string, Emission[]>;

/** Does something for every connection, for some at the same time. */
async function forEach(
  queues: Queues,
  work: (connectionId: string, queue: readonly Emission[]) => Promise<void>,
): Promise<void> {
  const waiting = queues.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [connectionId, queue] of waiting) await work(connectionId, queue);
    }),
  );
}

/** Takes connections out of rooms; those that could not leave are to get nothing. */
async function leaveRooms(queues: Queues, leave: DeliveryParts["leave"]): Promise<unknown[]> {
  const failures: unknown[] = [];
  await forEach(queues, async (connectionId, queue) => {
    try {
      for (const { audience, leaves } of queue)
        if (leaves !== undefined && "rooms" in audience)
          await leave({ connectionId, org: audience.org }, [leaves]);
    } catch (error) {
      failures.push(error);
      queues.delete(connectionId);
    }
  });
  return failures;
}

const isLeave = ({ leaves }: Emission): boolean => leaves !== undefined;

/** Callers come first: their replies do not wait for the room. */
function fillQueues(
  emissions: readonly Emission[],
  callers: readonly string[],
  directory: Directory,
): Queues {
  const queues = new Map<string, Emission[]>(callers.map((connectionId) => [connectionId, []]));
  for (const emission of emissions)
    for (const connectionId of directory.resolve(emission.audience)) {
      const queue = queues.get(connectionId);
      if (queue === undefined) queues.set(connectionId, [emission]);
      else queue.push(emission);
    }
  return queues;
}

async function postAll(
  connectionId: string,
  queue: readonly Emission[],
  post: DeliveryParts["post"],
): Promise<PostResult> {
  for (const frame of queue.flatMap(({ frames }) => frames)) {
    const result = await post(connectionId, frame);
    if (result !== "sent") return result;
  }
  return "sent";
}

const endings = (queues: Queues): Delivered["ended"] =>
  [...queues].flatMap(([connectionId, queue]) => {
    const closes = queue.flatMap((emission) => emission.closes ?? []);
    return closes.length > 0 ? [{ connectionId, close: closes.includes(true) }] : [];
  });

type RoomList = ReadonlyMap<string, Listed>;

/** The sockets of a slice, as far as this function takes care of them. */
interface Directory {
  /** The connections of an audience, each once. */
  resolve(audience: Audience): ReadonlySet<string>;
  /** The rooms that list a connection. */
  listing(connectionId: string): readonly RoomOfOrg[];
  /** What other functions take care of. */
  readonly rest: readonly Slice[];
}

/** Reads every room once, all of them up to the same id. */
async function readDirectory(
  emissions: readonly Emission[],
  callers: readonly string[],
  slice: Slice,
  { rooms, pageSize }: DeliveryParts,
): Promise<Directory> {
  const known = await Promise.all(
    [...roomsOf(emissions).values()].map(async ({ org, room }) => ({
      ...{ org, room },
      page: await rooms.page(org, room, slice, pageSize),
    })),
  );
  const [cut] = known.flatMap(({ page }) => page.until ?? []).toSorted(byCode);
  const without = new Set(slice.without);
  const isMine = ({ connectionId }: Listed) =>
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
  const listOf = (org: string, room: Room): RoomList => byKey.get(keyOf(org, room)) ?? new Map();

  return {
    resolve(audience) {
      if ("connectionId" in audience) return new Set([audience.connectionId]);
      if ("connectionIds" in audience) return new Set(audience.connectionIds);
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
    listing: (connectionId) =>
      lists.filter(({ list }) => list.has(connectionId)).map(({ org, room }) => ({ org, room })),
    rest:
      cut === undefined
        ? []
        : divideRest({ ...slice, without: [...slice.without, ...late] }, cut, BRANCHES),
  };
}

const isForRooms = ({ audience }: Emission): boolean => "rooms" in audience;

const callersOf = (emissions: readonly Emission[]): readonly string[] => [
  ...new Set(
    emissions.flatMap(({ audience }) => ("connectionId" in audience ? audience.connectionId : [])),
  ),
];

function roomsOf(emissions: readonly Emission[]): ReadonlyMap<string, RoomOfOrg> {
  const found = new Map<string, RoomOfOrg>();
  for (const { audience } of emissions)
    if ("rooms" in audience)
      for (const room of [...audience.rooms, ...audience.except])
        found.set(keyOf(audience.org, room), { org: audience.org, room });
  return found;
}

const keyOf = (org: string, room: Room): string => JSON.stringify([org, room]);

/** The order of DynamoDB's sort keys. */
const byCode = (a: string, b: string): number => (a < b ? -1 : 1);

const idOf = ({ connectionId }: Listed): string => connectionId;

/** Only users' own rooms list what a token grants; in the others everyone was let in already. */
const isGranted =
  ({ grantedProject }: { readonly grantedProject?: string | undefined }) =>
  ({ projects }: Listed): boolean =>
    grantedProject === undefined || projects === undefined || grants({ projects }, grantedProject);
