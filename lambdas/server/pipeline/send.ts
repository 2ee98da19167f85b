import type { AnyLeanApp, Lifecycle } from "#server/app.ts";
import { encodeFrame } from "#server/engine/frames.ts";
import { EVERYBODY, type KeyRange } from "#server/model/key-range.ts";
import { type Connection, MAIN, type SocketKey } from "#server/model/session.ts";
import { createIo } from "#server/socket/broadcast.ts";
import {
  createEmitBuffer,
  type Emission,
  type EmitBuffer,
  serializer,
} from "#server/socket/emit-buffer.ts";
import { type Delivered, deliver, type Gone } from "./deliver.ts";
import { createFetchSockets } from "./fetch-sockets.ts";
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
  /** Ends one socket; its connection stays where it has others. */
  disconnectSocket(socket: SocketKey): Promise<void>;
  /** Deletes whatever a connection has, or may have: what an earlier try left included. */
  clear(connection: Connection): Promise<void>;
  /** Tells a socket that its session has expired, and cuts its connection. */
  expire(socket: SocketKey): Promise<void>;
  /** Ends a connection and cuts it; the reason is for the log. */
  close(connectionId: string, reason: string): Promise<void>;
}

/** The namespace of this name; every one that a socket can be in is declared. */
function namespaceOf(app: AnyLeanApp, nsp: string): Lifecycle {
  const namespace = app.namespaces[nsp];
  if (namespace === undefined) throw new Error(`there is no namespace ${nsp}`);
  return namespace;
}

/** The room that every socket of a namespace is in. */
export const everyoneOf = ({ everyone = "everyone" }: Lifecycle): string => everyone;

/** Ends sockets, and gives what was known of each. */
interface Ending {
  readonly end: () => Promise<readonly Connection[]>;
  /** Whether a failure is only logged. */
  readonly isLogged?: boolean;
}

/** The way to the sockets of a deployment; `onEnded` is called for each connection that ends, before anything else. */
export function createSender(
  { app, runtime, adapter, stores }: Parts,
  onEnded: (connectionId: string) => void = () => undefined,
): Sender {
  const matching = app.matching?.(stores, runtime);
  const { gateway, telemetry, now, limits } = runtime;
  const { connections, rooms, binaryParts, slots } = adapter;
  const fetchSockets = createFetchSockets({ runtime, adapter });
  const newBuffer = (nsp: string) =>
    createEmitBuffer(encodeFrame, serializer(app.namespaces[nsp]?.emits));

  return {
    ...{ newBuffer, send, sendOrLog, disconnect, close },
    disconnectSocket: (socket) => settle([{ end: () => endSocket(socket) }]),
    clear: (connection) => settle([{ end: () => clear(connection) }]),

    async expire(socket) {
      const buffer = newBuffer(socket.nsp);
      const timestamp = new Date(now()).toISOString();
      const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(socket, event, args);
      namespaceOf(app, socket.nsp).onExpire?.({ emit }, timestamp);
      buffer.disconnect(socket, true);
      await send(buffer.emissions);
    },
  };

  async function send(emissions: readonly Emission[], options: SendOptions = {}): Promise<void> {
    const { gone, ended, stayed, failures } = await post(emissions, options);
    await settle(endings({ gone, ended }));
    if (stayed.length > 0) throw new AggregateError(stayed, "some sockets could not leave a room");
    if (failures.length > 0) throw new UndeliveredError(failures);
  }

  async function sendOrLog(emissions: readonly Emission[], options?: SendOptions): Promise<void> {
    try {
      await send(emissions, options);
    } catch (error) {
      if (!(error instanceof UndeliveredError)) throw error;
      telemetry.fail("some posts failed", error);
    }
  }

  async function post(
    emissions: readonly Emission[],
    { range = EVERYBODY, ready }: SendOptions = {},
  ): Promise<Delivered> {
    const began = now();
    const delivered = await deliver(
      { emissions, range },
      {
        ...{ rooms, matching, pageSize: limits.fanOutPage, ready },
        ...{ post: gateway.post, invokeWorker: runtime.invokeWorker },
      },
    );
    telemetry.count("FanOut", delivered.recipients);
    telemetry.count("FanOutDuration", now() - began);
    telemetry.count("Posts", delivered.posts);
    telemetry.count("Gone", delivered.gone.length);
    telemetry.count("PostsFailed", delivered.failures.length);
    return delivered;
  }

  function endings({ gone, ended }: Pick<Delivered, "gone" | "ended">): readonly Ending[] {
    return [
      ...gone.map((one) => ({ end: () => endGone(one), isLogged: true })),
      ...ended.map(({ close: cuts, ...socket }) => ({
        end: () => (cuts ? cut(socket.connectionId) : endSocket(socket)),
      })),
    ];
  }

  /**
   * Ends sockets, and those that are found gone while others are notified of it, until none is left: each
   * ends once, so this comes to an end.
   */
  async function settle(first: readonly Ending[]): Promise<void> {
    const failures: unknown[] = [];
    let waiting = first;
    while (waiting.length > 0) {
      const found = await Promise.all(
        waiting.map(async ({ end, isLogged = false }) => {
          try {
            return (await Promise.all((await end()).map(notify))).flat();
          } catch (error) {
            // Everybody else has been posted to: it must not look as if nothing was sent. The sweep comes.
            if (isLogged) telemetry.fail("a connection that is gone was not forgotten", error);
            else failures.push(error);
            return [];
          }
        }),
      );
      waiting = found.flat();
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Has the application do what it does for a socket that is no more; gives whom that found gone. */
  async function notify(connection: Connection): Promise<readonly Ending[]> {
    const { session, nsp, connectionId } = connection;
    const { onDisconnect, ...namespace } = namespaceOf(app, nsp);
    if (session === undefined || onDisconnect === undefined) return [];
    const buffer = newBuffer(nsp);
    const found: Ending[] = [];
    const flush = async () => {
      const delivered = await post(buffer.take());
      for (const error of delivered.failures) telemetry.fail("some posts failed", error);
      found.push(...endings(delivered));
    };
    const { id, tenant, userId, data } = session;
    const first = new Set([everyoneOf(namespace), id]);
    await onDisconnect(
      { id, tenant, userId, data, connectionId, nsp },
      [...connection.rooms, ...connection.left].filter((room) => !first.has(room)),
      {
        ...stores,
        ...{ newId: runtime.newId, flush, timestamp: new Date(now()).toISOString() },
        io: createIo({ buffer, fetchSockets }, { tenant, nsp }, everyoneOf(namespace)),
      },
    );
    await flush();
    return found;
  }

  async function disconnect(connectionId: string): Promise<void> {
    await settle([{ end: () => end(connectionId) }]);
  }

  async function close(connectionId: string, reason: string): Promise<void> {
    telemetry.note("a connection was closed", { connectionId, reason });
    try {
      await disconnect(connectionId);
    } finally {
      await gateway.close(connectionId);
    }
  }

  async function end(connectionId: string): Promise<readonly Connection[]> {
    onEnded(connectionId);
    const connection = await connections.end(connectionId, now());
    if (connection === undefined) return [];
    telemetry.count("ConnectionsClosed");
    return clear(connection);
  }

  async function endSocket(socket: SocketKey): Promise<readonly Connection[]> {
    // The only socket of its connection: that has nothing left to live for.
    if (Object.keys(app.namespaces).length === 1) return end(socket.connectionId);
    onEnded(socket.connectionId);
    const ended = await connections.endSocket(socket);
    if (ended !== undefined) return [await clearSocket(ended)];
    return socket.nsp === MAIN ? end(socket.connectionId) : [];
  }

  async function cut(connectionId: string): Promise<readonly Connection[]> {
    const reason = "the server disconnected it";
    telemetry.note("a connection was closed", { connectionId, reason });
    try {
      return await end(connectionId);
    } finally {
      await gateway.close(connectionId);
    }
  }

  async function endGone({ connectionId, found }: Gone): Promise<readonly Connection[]> {
    const [ended] = await Promise.all([
      end(connectionId),
      ...found.map(({ room, ...where }) => rooms.erase({ ...where, connectionId }, [room])),
    ]);
    return ended;
  }

  async function clear(connection: Connection): Promise<readonly Connection[]> {
    const { connectionId } = connection;
    await binaryParts.erase(connectionId, connection.parts);
    const others = Object.keys(connection.namespaces).map((nsp) => ({ connectionId, nsp }));
    const beside = others.length === 0 ? [] : await connections.getAll(others);
    return Promise.all([connection, ...beside].map(clearSocket));
  }

  async function clearSocket(connection: Connection): Promise<Connection> {
    const { connectionId, nsp, session, slot, claims, previousClaims } = connection;
    if (session === undefined) return connection;
    const { id, tenant, userId, data } = session;
    if (slot !== undefined) await slots.release(tenant, slot, connectionId);
    const departed = { id, tenant, userId, data, connectionId, nsp };
    await namespaceOf(app, nsp).release?.(departed, [claims, previousClaims], stores);
    await rooms.erase(departed, [...connection.rooms, ...connection.left]);
    return connection;
  }
}
