import type { Member } from "#server/model/connection.ts";
import type { RoomPages, Slice } from "#server/model/key-range.ts";
import type { PostResult } from "#server/model/posting.ts";
import type { Room } from "#server/model/room.ts";
import { type Directory, type LiveQueryPages, type RoomOfOrg, readDirectory } from "./directory.ts";
import type { Emission } from "./emit-buffer.ts";
import { withField } from "./packets.ts";

/** Connections served at the same time: more would wait in memory for a free connection to the gateway. */
const AT_ONCE = 50;

/** Emissions for those of their rooms' sockets, and of their live queries, that are in a slice. */
export interface Parcel {
  readonly emissions: readonly Emission[];
  readonly slice: Slice;
}

export interface DeliveryParts {
  readonly rooms: RoomPages;
  /** Only functions that carry publications have it. */
  readonly liveQueries?: LiveQueryPages | undefined;
  /** Sockets of a room that one function posts to, and live queries that it reads. */
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

/**
 * Posts the emissions to their audiences: every room is read once, every connection gets its frames
 * in the order emitted, and connections do not wait for one another. Where a room, or the live queries
 * on a collection, are more than a page, this posts to a first slice of all, and hands the rest on.
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

  async function carry(connectionId: string, queue: readonly Queued[]): Promise<void> {
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

/** An emission on its way to one connection, or with a `queryId` a live query's copy of it. */
type Queued = Emission & { readonly queryId?: string };

type Queues = Map<string, Queued[]>;

/** Does something for every connection, for some at the same time. */
async function forEach(
  queues: Queues,
  work: (connectionId: string, queue: readonly Queued[]) => Promise<void>,
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
  const queues: Queues = new Map(callers.map((connectionId) => [connectionId, []]));
  const put = (connectionId: string, queued: Queued) => {
    const queue = queues.get(connectionId);
    if (queue === undefined) queues.set(connectionId, [queued]);
    else queue.push(queued);
  };
  for (const emission of emissions) {
    for (const connectionId of directory.resolve(emission.audience)) put(connectionId, emission);
    for (const { connectionId, queryId } of directory.matching(emission.audience))
      put(connectionId, { ...emission, queryId });
  }
  return queues;
}

/** The frames of a packet; copies are made when they are posted, so that few are held at a time. */
const framesOf = ({ frames, queryId }: Queued): readonly string[] =>
  queryId === undefined ? frames : frames.map((frame) => withField(frame, "queryId", queryId));

async function postAll(
  connectionId: string,
  queue: readonly Queued[],
  post: DeliveryParts["post"],
): Promise<PostResult> {
  for (const queued of queue)
    for (const frame of framesOf(queued)) {
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

const isForRooms = ({ audience }: Emission): boolean => "rooms" in audience;

const callersOf = (emissions: readonly Emission[]): readonly string[] => [
  ...new Set(
    emissions.flatMap(({ audience }) => ("connectionId" in audience ? audience.connectionId : [])),
  ),
];
