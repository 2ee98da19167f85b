import type { KeyRange } from "#server/model/key-range.ts";
import type { Matching } from "#server/model/matching.ts";
import type { PostResult } from "#server/model/posting.ts";
import { type Emission, isOfRooms, type SocketAudience } from "#server/socket/emit-buffer.ts";
import { withField } from "#server/socket/packets.ts";
import type { Rooms } from "#server/store/adapter.ts";
import { findRecipients, type Listing, type Recipients } from "./audience.ts";

/** Connections served at the same time: more would wait in memory for a free connection to the gateway. */
const AT_ONCE = 50;

/** Emissions for those of their recipients that are in a key range: what one function gives another. */
export interface FanOutJob {
  readonly emissions: readonly Emission[];
  readonly range: KeyRange;
}

export interface DeliveryParts {
  /** Only functions that publish or fan out have it. */
  readonly matching?: Matching | undefined;
  /** Sockets of a room that one function posts to, and matches that it looks for. */
  readonly pageSize: number;
  readonly rooms: Pick<Rooms, "page" | "among" | "leave">;
  readonly post: (connectionId: string, frame: string) => Promise<PostResult>;
  readonly now: () => number;
  /** Has another function deliver. */
  readonly invokeWorker: (job: FanOutJob) => Promise<void>;
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
  /** Sockets whose session a packet has ended; `close` where their connections are to be cut as well. */
  readonly ended: readonly (SocketAudience & { readonly close: boolean })[];
  /** What was thrown where a connection could not leave a room; such a one got nothing, and `ready` was not called. */
  readonly stayed: readonly unknown[];
  /** What was thrown where a post failed for another reason than a connection being gone. */
  readonly failures: readonly unknown[];
}

/** A connection that no longer exists, with the rooms that still list a socket of it. */
export interface Gone {
  readonly connectionId: string;
  readonly found: readonly Listing[];
}

/**
 * Posts the emissions to their audiences: every room is read once, every connection gets its frames
 * in the order emitted, and connections do not wait for one another. Where a room, or what the
 * application matches, are more than a page, this posts to the first of them, up to the same id in all,
 * and leaves the rest to other functions.
 */
export async function deliver(
  { emissions, range }: FanOutJob,
  parts: DeliveryParts,
): Promise<Delivered> {
  const callers = callersOf(emissions);
  const recipients = await findRecipients(emissions, callers, range, parts);
  const queues = fillQueues(emissions, callers, recipients);
  const stayed = emissions.some(isLeave) ? await leaveRooms(queues, parts) : [];
  if (stayed.length === 0) await parts.ready?.();
  const forRooms = emissions.filter(({ audience }) => isOfRooms(audience));
  let posts = 0;
  const gone: Gone[] = [];
  const failures: unknown[] = [];

  await Promise.all([
    forEach(queues, postTo),
    ...recipients.rest.map((rest) =>
      parts
        .invokeWorker({ emissions: forRooms, range: rest })
        .catch((error: unknown) => void failures.push(error)),
    ),
  ]);
  return { recipients: queues.size, posts, gone, ended: endings(queues), stayed, failures };

  async function postTo(connectionId: string, queue: readonly Queued[]): Promise<void> {
    try {
      const result = await postAll(connectionId, queue, (...frame) => {
        posts += 1;
        return parts.post(...frame);
      });
      if (result === "gone") gone.push({ connectionId, found: recipients.listing(connectionId) });
      if (result === "too_large") failures.push(new Error("a frame is larger than 128 KB"));
    } catch (error) {
      failures.push(error);
    }
  }
}

/** An emission on its way to one socket; a match's copy of it has a field more. */
type Queued = Emission & {
  readonly sid?: string | undefined;
  readonly field?: readonly [name: string, value: string];
};

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
async function leaveRooms(
  queues: Queues,
  { rooms, now }: Pick<DeliveryParts, "rooms" | "now">,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  await forEach(queues, async (connectionId, queue) => {
    try {
      for (const { audience, leaves, sid } of queue)
        if (leaves !== undefined && sid !== undefined && isOfRooms(audience))
          await rooms.leave({ sid, tenant: audience.tenant, nsp: audience.nsp }, [leaves], now());
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
  callers: readonly SocketAudience[],
  recipients: Recipients,
): Queues {
  const queues: Queues = new Map(callers.map(({ connectionId }) => [connectionId, []]));
  const put = ({ connectionId }: { readonly connectionId: string }, queued: Queued) => {
    const queue = queues.get(connectionId);
    if (queue === undefined) queues.set(connectionId, [queued]);
    else queue.push(queued);
  };
  for (const emission of emissions) {
    // Which socket it is matters only where it leaves or ends.
    const isPlain = emission.leaves === undefined && emission.closes === undefined;
    for (const socket of recipients.resolve(emission.audience))
      put(socket, isPlain ? emission : { ...emission, sid: socket.sid });
    for (const match of recipients.matching(emission.audience))
      put(match, { ...emission, ...match });
  }
  return queues;
}

/** The frames of a packet; copies are made when they are posted, so that few are held at a time. */
const framesOf = ({ frames, field }: Queued): readonly string[] =>
  field === undefined ? frames : frames.map((frame) => withField(frame, ...field));

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
    const ends = queue.filter(({ closes }) => closes !== undefined);
    const namespaces = new Map(ends.map(({ audience, sid }) => [audience.nsp, sid]));
    return [...namespaces].map(([nsp, sid]) => ({
      ...{ sid, connectionId, nsp },
      close: ends.some(({ audience, closes }) => audience.nsp === nsp && closes === true),
    }));
  });

const callersOf = (emissions: readonly Emission[]): readonly SocketAudience[] =>
  emissions.flatMap(({ audience }) => (isOfRooms(audience) ? [] : audience));
