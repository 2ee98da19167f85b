import { encodeFrame } from "#server/engine/frames.ts";
import { EVERYBODY, type KeyRange } from "#server/model/key-range.ts";
import type { Matching } from "#server/model/matching.ts";
import { type SocketKey, type StoredSession, socketIn } from "#server/model/session.ts";
import {
  createEmitBuffer,
  type Emission,
  type EmitBuffer,
  serializer,
} from "#server/socket/emit-buffer.ts";
import { createContext } from "./context.ts";
import { type Delivered, deliver } from "./deliver.ts";
import { clear, type EndingParts, end, endGone, endSocket } from "./end.ts";
import { createFetchSockets } from "./fetch-sockets.ts";
import { everyoneOf } from "./namespaces.ts";
import type { Parts } from "./parts.ts";

export interface SendOptions {
  /** The sockets that are meant, where other functions take care of the rest. */
  readonly range?: KeyRange;
  /** Called once the audience is known, before the first post. */
  readonly ready?: (() => Promise<void>) | undefined;
}

/** Some packets could not be posted; the others have been. */
export class UndeliveredError extends AggregateError {
  override readonly name = "UndeliveredError";

  constructor(failures: readonly unknown[]) {
    super(failures, `${failures.length} packets could not be posted`, { cause: failures[0] });
  }
}

/** Sends packets, and ends sockets: whatever ends one, or is found to have ended, comes through here. */
export interface Sender {
  /** An empty buffer of a namespace. */
  newBuffer(nsp: string): EmitBuffer;
  /**
   * Posts emissions, then ends the sockets that are gone or that they end. Throws an `UndeliveredError`
   * once all is done where some post failed; throws anything else before the first post.
   */
  send(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** The same; failed posts are logged, as a second try would reach those again whom the first one has. */
  sendOrLog(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** Ends a connection and deletes all that belongs to it; doing it twice does no harm. */
  disconnect(connectionId: string): Promise<void>;
  /** Ends one socket; its connection stays, and what was received before `at` is still served. */
  disconnectSocket(socket: SocketKey, at: number): Promise<void>;
  /** Deletes whatever sockets have, or may have, that have ended: what an earlier try left included. */
  clear(connectionId: string, sids: readonly string[]): Promise<void>;
  /** Tells a socket that its session has expired, and cuts its connection. */
  expire(socket: SocketKey): Promise<void>;
  /** Ends a connection and cuts it; the reason is for the log. */
  close(connectionId: string, reason: string): Promise<void>;
}

/** Ends sockets, and gives what was known of each. */
interface Ending {
  readonly connectionId: string;
  readonly end: () => Promise<readonly StoredSession[]>;
  /** What comes last, whatever became of the others. */
  readonly cut?: () => Promise<void>;
  /** Whether a failure is only logged. */
  readonly isLogged?: boolean;
  /** Whether everything has been done once before. */
  readonly isRepeated?: boolean;
}

/** The way to the sockets of a deployment; `onEnded` is called for each connection that ends, before anything else. */
export function createSender(
  parts: Parts,
  onEnded: (connectionId: string) => void = () => undefined,
): Sender {
  const { app, stores, runtime } = parts;
  const kit: Kit = {
    ...{ ...parts, onEnded, matching: app.matching?.(stores, runtime) },
    fetchSockets: createFetchSockets(parts),
    newBuffer: (nsp) => createEmitBuffer(encodeFrame, serializer(app.namespaces[nsp]?.emits)),
  };

  return {
    newBuffer: kit.newBuffer,
    send: (...sent) => send(kit, ...sent),
    sendOrLog: (...sent) => sendOrLog(kit, ...sent),
    disconnect: (connectionId) =>
      settle(kit, [{ connectionId, end: () => end(kit, connectionId) }]),
    disconnectSocket: (socket, at) =>
      settle(kit, [{ ...socket, end: () => endSocket(kit, socket, at) }]),
    clear: (connectionId, sids) =>
      settle(kit, [{ connectionId, end: () => clear(kit, sids), isRepeated: true }]),
    expire: (socket) => expire(kit, socket),
    close: (connectionId, reason) => settle(kit, [cutting(kit, connectionId, reason)]),
  };
}

/** What sockets are reached and ended with. */
interface Kit extends EndingParts {
  readonly matching?: Matching | undefined;
  readonly fetchSockets: ReturnType<typeof createFetchSockets>;
  readonly newBuffer: (nsp: string) => EmitBuffer;
}

async function expire(kit: Kit, socket: SocketKey): Promise<void> {
  const { app, newBuffer } = kit;
  const buffer = newBuffer(socket.nsp);
  const timestamp = new Date(kit.runtime.now()).toISOString();
  const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(socket, event, args);
  app.namespaces[socket.nsp]?.onExpire?.({ emit }, timestamp);
  buffer.disconnect(socket, true);
  await send(kit, buffer.emissions);
}

async function send(
  kit: Kit,
  emissions: readonly Emission[],
  options: SendOptions = {},
): Promise<void> {
  const { gone, ended, stayed, failures } = await post(kit, emissions, options);
  await settle(kit, endings(kit, { gone, ended }));
  if (stayed.length > 0) throw new AggregateError(stayed, "some sockets could not leave a room");
  if (failures.length > 0) throw new UndeliveredError(failures);
}

async function sendOrLog(
  kit: Kit,
  emissions: readonly Emission[],
  options?: SendOptions,
): Promise<void> {
  const { telemetry } = kit.runtime;
  try {
    await send(kit, emissions, options);
  } catch (error) {
    if (!(error instanceof UndeliveredError)) throw error;
    telemetry.fail("some posts failed", error);
  }
}

async function post(
  kit: Kit,
  emissions: readonly Emission[],
  { range = EVERYBODY, ready }: SendOptions = {},
): Promise<Delivered> {
  const { runtime, matching } = kit;
  const { gateway, telemetry, now, limits } = kit.runtime;
  const { rooms } = kit.adapter;
  const began = now();
  const delivered = await deliver(
    { emissions, range },
    {
      ...{ rooms, matching, pageSize: limits.fanOutPage, ready },
      ...{ post: gateway.post, now, invokeWorker: runtime.invokeWorker },
    },
  );
  telemetry.count("FanOut", delivered.recipients);
  telemetry.count("FanOutDuration", now() - began);
  telemetry.count("Posts", delivered.posts);
  telemetry.count("Gone", delivered.gone.length);
  telemetry.count("PostsFailed", delivered.failures.length);
  return delivered;
}

function endings(kit: Kit, { gone, ended }: Pick<Delivered, "gone" | "ended">): readonly Ending[] {
  return [
    ...gone.map((one) => ({ ...one, end: () => endGone(kit, one), isLogged: true })),
    ...ended.map(({ close: cuts, sid, ...address }) =>
      cuts || sid === undefined
        ? cutting(kit, address.connectionId)
        : { ...address, end: () => endSocket(kit, { ...address, sid }, kit.runtime.now()) },
    ),
  ];
}

/** Ends a connection, and cuts it when that is done. */
function cutting(kit: Kit, connectionId: string, reason = "the server disconnected it"): Ending {
  const { gateway, telemetry } = kit.runtime;
  telemetry.note("a connection was closed", { connectionId, reason });
  return {
    connectionId,
    end: () => end(kit, connectionId),
    cut: () => gateway.close(connectionId),
  };
}

/**
 * Ends sockets, and those that are found gone while others are notified of it, until none is left: each
 * ends once, so this comes to an end.
 */
async function settle(kit: Kit, first: readonly Ending[]): Promise<void> {
  const { telemetry } = kit.runtime;
  const failures: unknown[] = [];
  let waiting = first;
  while (waiting.length > 0) {
    const found: Ending[] = [];
    await Promise.all(
      waiting.map(async (ending) => {
        try {
          await settleOne(kit, ending, found);
        } catch (error) {
          const { connectionId, isLogged = false } = ending;
          // Everybody else has been posted to: it must not look as if nothing was sent. The sweep comes.
          const message = "a connection that is gone was not forgotten";
          if (isLogged) telemetry.fail(message, error, { connectionId });
          else failures.push(error);
        }
      }),
    );
    waiting = found;
  }
  if (failures.length > 0) throw failures[0];
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
  const { app, fetchSockets, newBuffer } = kit;
  const { telemetry } = kit.runtime;
  const { nsp } = ended;
  const { id, tenant } = ended.session;
  const { onDisconnect, repeatsOnDisconnect = false, ...namespace } = app.namespaces[nsp] ?? {};
  if (onDisconnect === undefined) return;
  if (isRepeated && !repeatsOnDisconnect) return;
  const buffer = newBuffer(nsp);
  const flush = async () => {
    if (buffer.emissions.length === 0) return;
    const delivered = await post(kit, buffer.take());
    found.push(...endings(kit, delivered));
    for (const error of delivered.failures) telemetry.fail("some posts failed", error);
  };
  const first = new Set([everyoneOf(namespace), id]);
  await onDisconnect(
    socketIn(ended),
    [...ended.rooms, ...ended.left].filter((room) => !first.has(room)),
    createContext(kit, namespace, { buffer, fetchSockets }, { tenant, nsp }, flush),
  );
  await flush();
}
