import type { AnyLeanApp } from "#server/app.ts";
import { EVERYBODY } from "#server/model/key-range.ts";
import { readOffset } from "#server/model/offset.ts";
import { everyoneOf } from "#server/pipeline/namespaces.ts";
import { fitsPacket } from "#server/pipeline/oversized.ts";
import type { AdminEvent, Watch } from "#server/pipeline/report.ts";
import type { Runtime } from "#server/runtime.ts";
import { readPacket } from "#server/socket/packets.ts";
import type { Adapter } from "#server/store/adapter.ts";
import { findAll } from "./all-sockets.ts";
import { ADMIN, shownNamespace, shownSocket } from "./shown.ts";

/** Milliseconds for which a function knows whether somebody watches. */
const REREAD = 60_000;

/** Things noted in one invocation; what is more is left out. */
const MAX_NOTES = 100;

/** Packets noted that one invocation has sent: each asks whose connection it was for. */
const MAX_POSTS = 20;

/** What the frame of an event begins with: Engine.IO's message, Socket.IO's event. */
const EVENT = "42";

const EVERYONE = everyoneOf({});

/** An application whose functions tell those who watch it in the Admin UI; for functions without clients of their own. */
export const watched = <App extends AnyLeanApp>(app: App): App => ({
  ...app,
  watch: (runtime: Runtime, adapter: Adapter) => createWatch(runtime, adapter, everyoneIn(app)),
});

/** Names the room that everyone in a namespace is in. */
export type EveryoneIn = (nsp: string) => string;

export const everyoneIn =
  ({ namespaces }: AnyLeanApp): EveryoneIn =>
  (nsp) =>
    everyoneOf(namespaces[nsp] ?? {});

/** What happens to the sockets of an application, as the Admin UI takes it. */
export function createWatch(runtime: Runtime, adapter: Adapter, everyone: EveryoneIn): Watch {
  const { now } = runtime;
  const notes: AdminEvent[] = [];
  const posts: Posted[] = [];
  const note = (nsp: string, told: () => AdminEvent) => {
    if (nsp !== ADMIN && notes.length < MAX_NOTES) notes.push(told());
  };
  const time = () => new Date(now()).toISOString();
  const isWatched = createIsWatched(runtime, adapter);

  return {
    adapter: noting(adapter, note, time, everyone),
    audience: { tenant: ADMIN, nsp: ADMIN, rooms: [EVERYONE], except: [], isVolatile: true },
    received({ nsp, session, event, args }) {
      const shown = shownNamespace(nsp, session.tenant);
      note(nsp, () => ["event_received", shown, session.id, [event, ...args], time()]);
    },
    posted(connectionId, frame) {
      if (posts.length < MAX_POSTS && isEvent(frame))
        posts.push({ connectionId, frame, time: time() });
    },
    async take(isRound) {
      const [noted, posted] = [notes.splice(0), posts.splice(0)];
      if (noted.length + posted.length === 0 && !isRound) return [];
      if (!(await isWatched())) return [];
      const told = [...noted, ...(await sentIn(posted, adapter))].filter(fitsPacket);
      if (!isRound) return told;
      const { stats, sockets, rest } = await findAll(adapter, runtime, everyone);
      // A list that is not whole would take the others away.
      return [...told, stats, ...(rest.length === 0 ? [sockets] : [])];
    },
  };
}

/** A frame that a connection was posted. */
interface Posted {
  readonly connectionId: string;
  readonly frame: string;
  readonly time: string;
}

/** Whether a frame is an event without attachments, and none of the Admin UI's own. */
const isEvent = (frame: string): boolean =>
  frame.startsWith(EVENT) && !frame.startsWith(`${EVENT}${ADMIN},`);

/** What sockets were sent, as far as their connections still carry them. */
async function sentIn(
  posts: readonly Posted[],
  { connections }: Adapter,
): Promise<readonly AdminEvent[]> {
  const ids = [...new Set(posts.map(({ connectionId }) => connectionId))];
  const found = await Promise.all(ids.map(async (id) => [id, await connections.find(id)] as const));
  const known = new Map(found);
  return posts.flatMap(({ connectionId, frame, time }): readonly AdminEvent[] => {
    const packet = readPacket(frame.slice(1));
    if (packet.type !== "event") return [];
    const socket = known.get(connectionId)?.sockets[packet.nsp];
    if (socket === undefined) return [];
    const isOffset = readOffset(packet.args.at(-1)) !== undefined;
    const sent = [packet.event, ...packet.args.slice(0, isOffset ? -1 : undefined)];
    return [["event_sent", shownNamespace(packet.nsp, socket.tenant), socket.id, sent, time]];
  });
}

/** Looks at most once a minute. */
function createIsWatched({ now }: Runtime, { rooms }: Adapter): () => Promise<boolean> {
  const room = { tenant: ADMIN, nsp: ADMIN, room: EVERYONE };
  let known = { at: Number.NEGATIVE_INFINITY, isWatched: false };
  return async () => {
    if (now() - known.at >= REREAD) {
      known = { at: now(), isWatched: false };
      known.isWatched = (await rooms.page(room, EVERYBODY, 1)).members.length > 0;
    }
    return known.isWatched;
  };
}

type Note = (nsp: string, told: () => AdminEvent) => void;

/** An adapter that notes what it does to sockets. */
function noting(adapter: Adapter, note: Note, time: () => string, everyone: EveryoneIn): Adapter {
  const { sessions, rooms } = adapter;
  return {
    ...adapter,
    sessions: {
      ...sessions,
      async begin(connection, nsp, session, first, receivedAt) {
        await sessions.begin(connection, nsp, session, first, receivedAt);
        const began = { ...connection, nsp, session, rooms: first.rooms, beganAt: receivedAt };
        note(nsp, () => ["socket_connected", shownSocket(began, everyone(nsp)), time()]);
      },
      async end(...given) {
        const ended = await sessions.end(...given);
        if (ended === undefined) return ended;
        const { nsp, sid, session, reason } = ended;
        const shown = shownNamespace(nsp, session.tenant);
        note(nsp, () => ["socket_disconnected", shown, sid, reason, time()]);
        return ended;
      },
    },
    rooms: {
      ...rooms,
      async join(member, given, receivedAt) {
        const joined = await rooms.join(member, given, receivedAt);
        if (typeof joined !== "string") noteRooms("room_joined", member, joined);
        return joined;
      },
      async leave(member, given, receivedAt) {
        const left = await rooms.leave(member, given, receivedAt);
        if (typeof left !== "string") noteRooms("room_left", member, left);
        return left;
      },
    },
  };

  function noteRooms(
    event: string,
    { nsp, tenant, sid }: Parameters<Adapter["rooms"]["leave"]>[0],
    names: readonly string[],
  ): void {
    for (const name of names)
      note(nsp, () => [event, shownNamespace(nsp, tenant), name, sid, time()]);
  }
}
