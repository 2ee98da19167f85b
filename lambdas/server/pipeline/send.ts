import pMap from "p-map";
import type { Lifecycle } from "#server/app.ts";
import { encodeFrame } from "#server/engine/frames.ts";
import { EVERYBODY } from "#server/model/key-range.ts";
import type { Matching } from "#server/model/matching.ts";
import { type SocketKey, type StoredSession, socketIn } from "#server/model/session.ts";
import { createUnderWay } from "#server/model/under-way.ts";
import {
  createEmitBuffer,
  type Emission,
  type EmitBuffer,
  serializer,
} from "#server/socket/emit-buffer.ts";
import { createContext } from "./context.ts";
import { type Delivered, deliver, type FanOutJob } from "./deliver.ts";
import {
  clear,
  clearEnded,
  type EndingParts,
  endLost,
  endSocket,
  LOST,
  lose,
  recovers,
} from "./end.ts";
import { cutting, discarding, type Ending, endings, losing } from "./endings.ts";
import { everyoneOf } from "./namespaces.ts";
import { createOutlet } from "./outlet.ts";
import { inTime } from "./packet-log.ts";
import type { Parts } from "./parts.ts";
import { type Sender, type SendOptions, UndeliveredError, UnmovedError } from "./sender.ts";

/** Sockets ended at the same time: the application may have each told to a room. */
const ENDS_AT_ONCE = 10;

/** The way to the sockets of a deployment; `onEnded` is called for each connection that ends, before anything else. */
export function createSender(
  parts: Parts,
  onEnded: (connectionId: string) => void = () => undefined,
): Sender {
  const { app, stores, runtime } = parts;
  const serialize = serializer((nsp) => app.namespaces[nsp]?.emits);
  const kit: Kit = {
    ...{ ...parts, onEnded, matching: app.matching?.(stores, runtime) },
    newBuffer: () => createEmitBuffer(encodeFrame, serialize),
  };
  const underWay = createUnderWay();

  return {
    newBuffer: kit.newBuffer,
    send: (...sent) => send(kit, ...sent),
    sendOrLog: (...sent) => sendOrLog(kit, ...sent),
    disconnect: (connectionId) => settle(kit, [losing(kit, connectionId)]),
    disconnectSocket: (socket, at) =>
      settle(kit, [
        { ...socket, end: () => endSocket(kit, socket, at, "client namespace disconnect") },
      ]),
    clear: (connection) =>
      settle(kit, [{ ...connection, end: () => clear(kit, connection), isRepeated: true }]),
    clearEnded: (session) =>
      settle(kit, [{ ...session, end: () => clearEnded(kit, [session]), isRepeated: true }]),
    endLost: (session) => settle(kit, [{ ...session, end: () => endLost(kit, session) }]),
    callAwayHook: (change, session) => callAwayHook(kit, change, session),
    lose: async (session) => void (await lose(kit, session, LOST.reason)),
    async abandon(session, reason) {
      await settle(kit, [cutting(kit, session.connectionId, reason, LOST)]);
      // Its connection may not have known of it yet.
      await lose(kit, session, LOST.reason);
    },
    expire: (socket) => underWay(socket.sid, () => expire(kit, socket)),
    close: (connectionId, reason) => settle(kit, [discarding(kit, connectionId, reason)]),
    drop: (id) => settle(kit, [discarding(kit, id, "the client closed it", LOST)]),
    cut: (connectionId, reason, as = LOST.reason) =>
      settle(kit, [cutting(kit, connectionId, reason, { reason: as })]),
  };
}

/** What sockets are reached and ended with. */
interface Kit extends EndingParts {
  readonly matching?: Matching | undefined;
  readonly newBuffer: () => EmitBuffer;
}

async function expire(kit: Kit, socket: SocketKey): Promise<void> {
  const buffer = kit.newBuffer();
  const timestamp = new Date(kit.runtime.now()).toISOString();
  const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(socket, event, args);
  kit.app.namespaces[socket.nsp]?.onExpire?.({ emit }, timestamp);
  buffer.disconnect(socket, true);
  await send(kit, buffer.emissions);
}

async function send(
  kit: Kit,
  emissions: readonly Emission[],
  options: SendOptions = {},
): Promise<void> {
  const delivered = await post(kit, emissions, options);
  // Who could not be ended has its packets, as all others have: nothing is to be sent again.
  const failures = [...delivered.failures, ...(await settleAll(kit, endings(kit, delivered)))];
  const { stayed } = delivered;
  if (stayed.length > 0) throw new UnmovedError([...stayed, ...failures]);
  if (failures.length > 0) throw new UndeliveredError(failures);
}

async function sendOrLog(
  kit: Kit,
  emissions: readonly Emission[],
  options?: SendOptions,
): Promise<void> {
  try {
    await send(kit, emissions, options);
  } catch (error) {
    if (!(error instanceof UndeliveredError)) throw error;
    kit.runtime.telemetry.fail("some posts failed", error);
  }
}

async function post(
  kit: Kit,
  emissions: readonly Emission[],
  { range = EVERYBODY, beforeSend, ready, pageSize }: SendOptions = {},
): Promise<Delivered> {
  const { matching, transport, links } = kit;
  const { telemetry, now, limits, newId, invokeWorker } = kit.runtime;
  const began = now();
  const delivered = await deliver(
    { emissions, range },
    {
      ...{ rooms: kit.adapter.rooms, matching, pageSize: pageSize ?? limits.fanOutPage },
      ...{ beforeSend, ready },
      ...(recovers(kit) && { recovery: { ...kit.adapter, newId, cut: transport.close } }),
      ...{
        post: transport.post,
        upgrades: { links, stored: kit.adapter.upgrades },
        now,
        invokeWorker,
      },
    },
  );
  telemetry.count("FanOut", delivered.recipients);
  telemetry.count("FanOutDuration", now() - began);
  telemetry.count("Posts", delivered.posts);
  telemetry.count("Gone", delivered.gone.length);
  telemetry.count("PostsFailed", delivered.failures.length);
  return delivered;
}

/** Sends to a part of a large room what another function has left of it. */
export const sendPart = (
  { send }: Pick<Sender, "send">,
  { emissions, range }: FanOutJob,
  now: number,
): Promise<void> => send(inTime(emissions, now), { range });

/** Settles some endings, or throws. */
async function settle(kit: Kit, first: readonly Ending[]): Promise<void> {
  const [failure] = await settleAll(kit, first);
  if (failure !== undefined) throw failure;
}

/**
 * Ends sockets, and those that are found gone while others are notified of it, until none is left: each
 * ends once, so this comes to an end. Gives what was thrown.
 */
async function settleAll(kit: Kit, first: readonly Ending[]): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  let waiting = first;
  while (waiting.length > 0) {
    const found: Ending[] = [];
    const settleOrNote = async (ending: Ending) => {
      try {
        await settleOne(kit, ending, found);
      } catch (error) {
        const { connectionId, isLogged = false } = ending;
        // Everybody else has been posted to: it must not look as if nothing was sent. The sweep comes.
        const message = "a connection that is gone was not forgotten";
        if (isLogged) kit.runtime.telemetry.fail(message, error, { connectionId });
        else failures.push(error);
      }
    };
    await pMap(waiting, settleOrNote, { concurrency: ENDS_AT_ONCE });
    waiting = found;
  }
  return failures;
}

async function settleOne(kit: Kit, { end, cut, isRepeated = false }: Ending, found: Ending[]) {
  try {
    const ended = await end();
    await Promise.all(ended.map((session) => notify(kit, session, isRepeated, found)));
  } finally {
    await cut?.();
  }
}

/** Has the application do what it does for a socket that is no more; whom that finds gone is added. */
async function notify(
  kit: Kit,
  ended: StoredSession,
  isRepeated: boolean,
  found: Ending[],
): Promise<void> {
  const { onDisconnect, repeatsOnDisconnect = false } = kit.app.namespaces[ended.nsp] ?? {};
  if (onDisconnect === undefined || (isRepeated && !repeatsOnDisconnect)) return;
  const { reason = LOST.reason } = ended;
  await callHook(kit, (...given) => onDisconnect(...given, reason), ended, found);
}

/** Has the application notify others that a socket is away, or back: in no room that it has left. */
async function callAwayHook(
  kit: Kit,
  change: "onAway" | "onBack",
  session: StoredSession,
): Promise<void> {
  const hook = kit.app.namespaces[session.nsp]?.[change];
  const found: Ending[] = [];
  if (hook !== undefined) await callHook(kit, hook, { ...session, left: [] }, found);
  await settle(kit, found);
}

/** Calls a hook of a socket with its rooms, sends what that emits, and adds whom this finds gone. */
async function callHook(
  kit: Kit,
  hook: NonNullable<Lifecycle["onAway"]>,
  session: StoredSession,
  found: Ending[],
): Promise<void> {
  const { nsp } = session;
  const { id, tenant } = session.session;
  const namespace = kit.app.namespaces[nsp] ?? {};
  const buffer = kit.newBuffer();
  const sendFinding: Sender["sendOrLog"] = async (emissions, options) => {
    const delivered = await post(kit, emissions, options);
    found.push(...endings(kit, delivered));
    for (const error of delivered.failures) kit.runtime.telemetry.fail("some posts failed", error);
  };
  const outlet = createOutlet(kit, buffer, sendFinding);
  const flush = async () => {
    if (buffer.emissions.length > 0) await sendFinding(buffer.take());
  };
  const first = new Set([everyoneOf(namespace), id]);
  await hook(
    socketIn(session),
    [...session.rooms, ...session.left].filter((room) => !first.has(room)),
    // Of one that has only lost its connection, and comes back, the order is that of its losses and returns.
    createContext(kit, outlet, { tenant, nsp }, flush, session.lostAt),
  );
  await flush();
}
