import type { BeforeSend } from "#server/app.ts";
import type { KeyRange } from "#server/model/key-range.ts";
import type { Matching } from "#server/model/matching.ts";
import { withOffset, withoutOffset } from "#server/model/offset.ts";
import { once } from "#server/model/once.ts";
import { isEnd } from "#server/model/packet-log.ts";
import { deadlineOf, latestPostOf } from "#server/model/recovery.ts";
import type { PostResult, Transports } from "#server/model/transport.ts";
import { type Emission, isOfRooms, type SocketAudience } from "#server/socket/emit-buffer.ts";
import { copyOf, withFirst } from "#server/socket/packets.ts";
import type { Log, Rooms, Sessions } from "#server/store/adapter.ts";
import { ask, type Unsure } from "./ask.ts";
import { findRecipients, type Listing, type Recipients } from "./audience.ts";
import { forEach } from "./for-each.ts";
import { idOf, idsOf, joinRooms, leaveRooms, type Queued, type Queues } from "./move-sockets.ts";
import { learnLinks, noteMoved, type UpgradeParts } from "./moved.ts";
import { entriesOf, mark, numbered, pendingOf } from "./packet-log.ts";
import type { Ready } from "./sender.ts";

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
  readonly rooms: Pick<Rooms, "page" | "among" | "join" | "leave">;
  /** Where sockets may come back. */
  readonly recovery?: RecoveryParts | undefined;
  readonly post: Transports["post"];
  /** Where clients may upgrade. */
  readonly upgrades?: UpgradeParts | undefined;
  readonly now: () => number;
  /** Has another function deliver. */
  readonly invokeWorker: (job: FanOutJob) => Promise<void>;
  /** Done while the audience is found, before the first post, and before any socket is moved. */
  readonly beforeSend?: BeforeSend | undefined;
  /** Called once the audience is known, before the first post. */
  readonly ready?: Ready | undefined;
}

/** What is needed so that sockets that come back miss nothing. */
export interface RecoveryParts {
  readonly log: Pick<Log, "append" | "remove" | "mark">;
  readonly sessions: Pick<Sessions, "getAll" | "note">;
  readonly rooms: Pick<Rooms, "settle">;
  readonly newId: () => string;
  /** Cuts a connection of which nobody knows whether a post has reached it: its client comes back for that. */
  readonly cut: (connectionId: string) => Promise<void>;
}

/** What became of a delivery besides the packets that arrived. */
export interface Delivered {
  /** Connections posted to. */
  readonly recipients: number;
  /** Frames posted to them, as far as they were there. */
  readonly posts: number;
  readonly gone: readonly Gone[];
  /** Connections that a packet may not have reached in time: what they have received since says that it has. */
  readonly late: readonly string[];
  /** Sockets whose session a packet has ended; `close` where their connections are to be cut as well. */
  readonly ended: readonly (SocketAudience & { readonly close: boolean })[];
  /** What was thrown where a socket could not be moved; one that could not leave got nothing of rooms, and `ready` was not called. */
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
export async function deliver(job: FanOutJob, parts: DeliveryParts): Promise<Delivered> {
  const { recovery } = parts;
  const { emissions, recipients, queues, settles, cuts, stayed } = await begin(job, parts);
  const forRooms = emissions.filter(({ audience }) => isOfRooms(audience));
  const postedAt = parts.now();
  // All are of one broadcast.
  const id = emissions[0]?.id;
  const latest = id === undefined ? undefined : latestPostOf(id);
  let posts = 0;
  let isKnown = true;
  const gone: Gone[] = [];
  const late: string[] = [];
  const failures: unknown[] = [];
  const fail = (error: unknown) => void failures.push(error);

  await Promise.all([
    forEach(queues, postTo),
    ...recipients.rest.map((rest) =>
      parts.invokeWorker({ emissions: forRooms, range: rest }).catch(fail),
    ),
  ]);
  // Whoever finds no link asks for it again.
  const noted = noteMoved(recipients, parts.upgrades).catch(() => undefined);
  if (recovery !== undefined) {
    const { range, also } = recipients;
    await Promise.all(cuts.map(cutUnknown));
    // Who has got nothing, although it could not leave, reads the log.
    isKnown &&= stayed.length === 0;
    const marks = isKnown && mark(recovery.log, emissions, { range, also, done: parts.now() });
    await Promise.all([marks, ...settles.map((listing) => recovery.rooms.settle(listing))]).catch(
      fail,
    );
  }
  await noted;
  return { recipients: queues.size, posts, gone, late, ended: endings(queues), stayed, failures };

  async function postTo(connectionId: string, queue: readonly Queued[]): Promise<void> {
    try {
      const result = await postAll(queue, postedAt, (frames) => {
        posts += frames.length;
        return parts.post(connectionId, frames, latest);
      });
      if (result === "gone") gone.push(goneOf(connectionId));
      if (result === "too_large") failures.push(new Error("a frame is larger than 128 KB"));
    } catch (error) {
      failures.push(error);
      await cutUnknown(connectionId);
    }
  }

  function goneOf(connectionId: string): Gone {
    return { connectionId, found: recipients.listing(connectionId) };
  }

  /** A client of which nobody knows what it has got comes back for it, unless it may be taken to have that. */
  async function cutUnknown(connectionId: string): Promise<void> {
    if (recovery === undefined) return;
    const isLate = () => id !== undefined && parts.now() > deadlineOf(id);
    const isCut =
      !isLate() &&
      (await recovery.cut(connectionId).then(
        () => true,
        () => false,
      ));
    isKnown &&= isCut;
    if (isCut && !isLate()) gone.push(goneOf(connectionId));
    else late.push(connectionId);
  }
}

/** Writes what is new into the logs, before anything of its rooms is read, and finds out who gets what. */
async function begin(job: FanOutJob, parts: DeliveryParts) {
  const { recovery } = parts;
  const isNew = recovery !== undefined && job.emissions.every(({ id }) => id === undefined);
  const emissions = isNew ? numbered(job.emissions, recovery.newId) : job.emissions;
  const entries = isNew ? entriesOf(emissions, job.range) : [];
  try {
    if (entries.length > 0) await recovery?.log.append(entries);
    return { emissions, ...(await prepare({ ...job, emissions }, parts)) };
  } catch (error) {
    // It may take back what the handler has done.
    await parts.beforeSend?.().catch(() => undefined);
    // Nothing was sent, so nothing may be replayed.
    if (entries.length > 0) await recovery?.log.remove(entries).catch(() => undefined);
    throw error;
  }
}

/** Finds out who gets what, and does all that comes before the first post. */
async function prepare({ emissions, range }: FanOutJob, parts: DeliveryParts) {
  const callers = callersOf(emissions);
  // Neither may go on when the event has failed.
  const finding = findRecipients(emissions, callers, range, parts);
  const [found, done] = await Promise.allSettled([finding, parts.beforeSend?.()]);
  if (found.status === "rejected") throw found.reason;
  if (done.status === "rejected") throw done.reason;
  const recipients = found.value;
  learnLinks(recipients, parts.upgrades);
  const unjoined = await joinRooms(emissions, recipients, parts);
  const { queues, settles, cuts, unsure } = await fillQueues(emissions, callers, recipients, parts);
  const stayed = [...unjoined, ...(emissions.some(isLeave) ? await leaveRooms(queues, parts) : [])];
  if (stayed.length === 0)
    await parts.ready?.({ asked: askedIn(queues, unsure), isAll: recipients.rest.length === 0 });
  return { recipients, queues, settles, cuts, stayed };
}

/** Who is asked to acknowledge something; in vain, perhaps, where it is not known whether they may be posted to. */
const askedIn = (queues: Queues, unsure: readonly Queued[]): readonly string[] => [
  ...new Set(
    [...queues.values(), unsure]
      .flat()
      .flatMap(({ ackId, sid }) => (ackId === undefined ? [] : (sid ?? []))),
  ),
];

const isLeave = ({ leaves }: Emission): boolean => leaves !== undefined;

/** Callers come first: their replies do not wait for the room. */
async function fillQueues(
  emissions: readonly Emission[],
  callers: readonly SocketAudience[],
  recipients: Recipients,
  parts: DeliveryParts,
): Promise<{
  readonly queues: Queues;
  readonly settles: readonly Listing[];
  readonly cuts: readonly string[];
  readonly unsure: readonly Queued[];
}> {
  const queues: Queues = new Map(callers.map(({ connectionId }) => [connectionId, []]));
  const unsure: (Unsure & { readonly queued: Queued })[] = [];
  const { recovery } = parts;
  const recovering = recovery === undefined ? [] : recipients.recovering();
  const isRecovering = new Set(recovering.map(({ sid }) => sid));
  for (const emission of emissions) {
    const entry = once(() => pendingOf(emission));
    if (emission.joins !== undefined) continue;
    // Which socket it is matters only where it leaves, ends or is asked.
    const isPlain = !isLeave(emission) && !isEnd(emission) && emission.ackId === undefined;
    for (const { sid, connectionId, connectedAt } of recipients.resolve(emission.audience)) {
      const queued = isPlain ? emission : { ...emission, sid };
      if (sid === undefined || !isRecovering.has(sid) || connectedAt === undefined)
        put(queues, connectionId, queued);
      else unsure.push({ sid, connectedAt, ...idsOf(queued), entry: entry(), queued });
    }
    recipients.leave(emission);
    for (const { sid, connectionId, field } of recipients.matching(emission.audience)) {
      const queued = { ...emission, field };
      if (recovery === undefined) put(queues, connectionId, queued);
      // What matches is found by where it was when it was kept: its session knows where it is.
      else {
        const logged = entry();
        unsure.push({ sid, ...idsOf(queued), entry: logged && { ...logged, field }, queued });
      }
    }
  }
  if (recovery === undefined || unsure.length === 0)
    return { queues, settles: [], cuts: [], unsure: [] };
  const { sessions } = recovery;
  const { posts, settled, cuts } = await ask(unsure, { ...parts, sessions });
  for (const { connectionId, link, queued } of posts) {
    parts.upgrades?.links.upgraded(connectionId, link);
    put(queues, connectionId, queued);
  }
  for (const connectionId of new Set(posts.map((one) => one.connectionId)))
    queues.get(connectionId)?.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return {
    ...{ queues, cuts, unsure: unsure.map(({ queued }) => queued) },
    settles: recovering.filter(({ sid }) => settled.has(sid)),
  };
}

function put(queues: Queues, connectionId: string, queued: Queued): void {
  const queue = queues.get(connectionId);
  if (queue === undefined) queues.set(connectionId, [queued]);
  else queue.push(queued);
}

/** The frames of a packet; copies are made when they are posted, so that few are held at a time. */
function framesOf(queued: Queued, postedAt: number): readonly string[] {
  const { frames, field, id, isEvent, audience } = queued;
  const copies = copyOf(frames, field);
  if (!isEvent || id === undefined) return copies;
  // What is for one socket alone is not replayed, and says nothing of what that has received.
  return withFirst(copies, (frame) =>
    isOfRooms(audience) ? withOffset(frame, { id: idOf(queued), postedAt }) : withoutOffset(frame),
  );
}

async function postAll(
  queue: readonly Queued[],
  postedAt: number,
  post: (frames: readonly string[]) => Promise<PostResult>,
): Promise<PostResult> {
  for (const queued of queue) {
    const result = await post(framesOf(queued, postedAt));
    if (result !== "sent") return result;
  }
  return "sent";
}

const endings = (queues: Queues): Delivered["ended"] =>
  [...queues].flatMap(([connectionId, queue]) => {
    const ends = queue.filter(isEnd);
    const namespaces = new Map(ends.map(({ audience, sid }) => [audience.nsp, sid]));
    return [...namespaces].map(([nsp, sid]) => ({
      ...{ sid, connectionId, nsp },
      close: ends.some(({ audience, closes }) => audience.nsp === nsp && closes === true),
    }));
  });

const callersOf = (emissions: readonly Emission[]): readonly SocketAudience[] =>
  emissions.flatMap(({ audience }) => (isOfRooms(audience) ? [] : audience));
