import type { Listed } from "#model/connection.ts";
import { grants } from "#model/identity.ts";
import type { PostResult } from "#model/posting.ts";
import type { Room } from "#model/room.ts";
import type { Audience, Emission } from "./outbox.ts";

export interface DeliveryParts {
  /** The sockets in a room, page by page. */
  readonly members: (org: string, room: Room) => AsyncIterable<readonly Listed[]>;
  readonly post: (connectionId: string, frame: string) => Promise<PostResult>;
  /** Called once all audiences are known, before the first post. */
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
 * in the order emitted, and connections do not wait for one another.
 */
export async function deliver(
  emissions: readonly Emission[],
  { members, post, ready }: DeliveryParts,
): Promise<Delivered> {
  const directory = createDirectory(members);
  const queues = await fillQueues(emissions, directory);
  await ready?.();
  let posts = 0;
  const gone: Gone[] = [];
  const failures: unknown[] = [];

  await Promise.all(
    // All at once: the gateway's pool of connections is what holds them back.
    [...queues].map(async ([connectionId, queue]) => {
      try {
        const result = await postAll(connectionId, queue, (...frame) => {
          posts += 1;
          return post(...frame);
        });
        if (result === "gone") gone.push({ connectionId, found: directory.listing(connectionId) });
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  return { recipients: queues.size, posts, gone, ended: endings(queues), failures };
}

type Queues = ReadonlyMap<string, readonly Emission[]>;

async function fillQueues(emissions: readonly Emission[], directory: Directory): Promise<Queues> {
  const audiences = await Promise.all(
    emissions.map(async (emission) => ({
      emission,
      connectionIds: await directory.resolve(emission.audience),
    })),
  );
  const queues = new Map<string, Emission[]>();
  for (const { emission, connectionIds } of audiences)
    for (const connectionId of connectionIds) {
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
  for (const frame of queue.flatMap(({ frames }) => frames))
    if ((await post(connectionId, frame)) === "gone") return "gone";
  return "sent";
}

const endings = (queues: Queues): Delivered["ended"] =>
  [...queues].flatMap(([connectionId, queue]) => {
    const closes = queue.flatMap((emission) => emission.closes ?? []);
    return closes.length > 0 ? [{ connectionId, close: closes.includes(true) }] : [];
  });

interface Directory {
  /** The connections of an audience, each once. */
  resolve(audience: Audience): Promise<ReadonlySet<string>>;
  /** The rooms read so far that list a connection. */
  listing(connectionId: string): readonly RoomOfOrg[];
}

type RoomList = ReadonlyMap<string, Listed>;

function createDirectory(members: DeliveryParts["members"]): Directory {
  const reads = new Map<string, Promise<RoomList>>();
  const known: (RoomOfOrg & { readonly list: RoomList })[] = [];

  const read = async (org: string, room: Room): Promise<RoomList> => {
    const list = new Map<string, Listed>();
    for await (const page of members(org, room))
      for (const member of page) list.set(member.connectionId, member);
    known.push({ org, room, list });
    return list;
  };
  const readOnce = (org: string, room: Room) => {
    const key = JSON.stringify([org, room]);
    const reading = reads.get(key) ?? read(org, room);
    reads.set(key, reading);
    return reading;
  };

  return {
    async resolve(audience) {
      if ("connectionId" in audience) return new Set([audience.connectionId]);
      if ("connectionIds" in audience) return new Set(audience.connectionIds);
      const { org, rooms, except, sender } = audience;
      const [included, excluded] = await Promise.all(
        [rooms, except].map((names) => Promise.all(names.map((room) => readOnce(org, room)))),
      );
      const listed = (included ?? []).flatMap((list) => [...list.values()]);
      const connectionIds = new Set(listed.filter(isGranted(audience)).map(idOf));
      for (const list of excluded ?? []) for (const id of list.keys()) connectionIds.delete(id);
      if (sender !== undefined) connectionIds.delete(sender);
      return connectionIds;
    },
    listing: (connectionId) =>
      known.filter(({ list }) => list.has(connectionId)).map(({ org, room }) => ({ org, room })),
  };
}

const idOf = ({ connectionId }: Listed): string => connectionId;

/** Only users' own rooms list what a token grants; in the others everyone was let in already. */
const isGranted =
  ({ grantedProject }: { readonly grantedProject?: string | undefined }) =>
  ({ projects }: Listed): boolean =>
    grantedProject === undefined || projects === undefined || grants({ projects }, grantedProject);
