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

/** Whether a connection of this application may have several sockets. */
export const hasNamespaces = ({ namespaces }: AnyLeanApp): boolean =>
  Object.keys(namespaces).length > 1;

/** The room that every socket of a namespace is in. */
export const everyoneOf = ({ everyone = "everyone" }: Lifecycle): string => everyone;

/** Ends sockets, and gives what was known of each. */
interface Ending {
  readonly connectionId: string;
  readonly end: () => Promise<readonly Connection[]>;
  /** What comes last, whatever became of the others. */
  readonly cut?: () => Promise<void>;
  /** Whether a failure is only logged. */
  readonly isLogged?: boolean;
  /** Whether everything has been done once before. */
  readonly isRepeated?: boolean;
}

/** The way to the sockets of a deployment; `onEnded` is called for each connection that ends, before anything else. */
export function createSender(
  { app, runtime, adapter, stores }: Parts,
  onEnded: (connectionId: string) => void = () => undefined,
): Sender {
  const matching = app.matching?.(stores, runtime);
  const { gateway, telemetry, now, limits } = runtime;
  const { connections, rooms, binaryParts, slots } = adapter;
  const fetchSockets = createFetchSockets({ adapter });
  const newBuffer = (nsp: string) =>
    createEmitBuffer(encodeFrame, serializer(app.namespaces[nsp]?.emits));

  return {
    ...{ newBuffer, send, sendOrLog, disconnect, close },
    disconnectSocket: (socket) => settle([{ ...socket, end: () => endSocket(socket) }]),
    clear: (connection) =>
      settle([{ ...connection, end: () => clear(connection), isRepeated: true }]),

    async expire(socket) {
      const buffer = newBuffer(socket.nsp);
      const timestamp = new Date(now()).toISOString();
      const emit = (event: string, ...args: readonly unknown[]) => buffer.emit(socket, event, args);
      app.namespaces[socket.nsp]?.onExpire?.({ emit }, timestamp);
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
      ...gone.map((one) => ({ ...one, end: () => endGone(one), isLogged: true })),
      ...ended.map(({ close: cuts, ...socket }) =>
        cuts ? cutting(socket.connectionId) : { ...socket, end: () => endSocket(socket) },
      ),
    ];
  }

  /** Ends a connection, and cuts it when that is done. */
  function cutting(connectionId: string, reason = "the server disconnected it"): Ending {
    telemetry.note("a connection was closed", { connectionId, reason });
    return {
      connectionId,
      end: () => end(connectionId),
      cut: () => gateway.close(connectionId),
    };
  }

  /**
   * Ends sockets, and those that are found gone while others are notified of it, until none is left: each
   * ends once, so this comes to an end.
   */
  async function settle(first: readonly Ending[]): Promise<void> {
    const failures: unknown[] = [];
    let waiting = first;
    while (waiting.length > 0) {
      const found: Ending[] = [];
      await Promise.all(
        waiting.map(async (ending) => {
          try {
            await settleOne(ending, found);
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

  async function settleOne({ end, cut, isRepeated = false }: Ending, found: Ending[]) {
    try {
      const ended = await end();
      await Promise.all(ended.map((connection) => notify(connection, isRepeated, found)));
    } finally {
      await cut?.();
    }
  }

  /** Has the application do what it does for a socket that is no more; whom that finds gone is added. */
  async function notify(
    { session, nsp, connectionId, ...connection }: Connection,
    isRepeated: boolean,
    found: Ending[],
  ): Promise<void> {
    const { onDisconnect, repeatsOnDisconnect = false, ...namespace } = app.namespaces[nsp] ?? {};
    if (session === undefined || onDisconnect === undefined) return;
    if (isRepeated && !repeatsOnDisconnect) return;
    const buffer = newBuffer(nsp);
    const flush = async () => {
      if (buffer.emissions.length === 0) return;
      const delivered = await post(buffer.take());
      found.push(...endings(delivered));
      for (const error of delivered.failures) telemetry.fail("some posts failed", error);
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
  }

  function disconnect(connectionId: string): Promise<void> {
    return settle([{ connectionId, end: () => end(connectionId) }]);
  }

  function close(connectionId: string, reason: string): Promise<void> {
    return settle([cutting(connectionId, reason)]);
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
    if (!hasNamespaces(app)) return end(socket.connectionId);
    return socket.nsp === MAIN ? endMain(socket) : endBeside(socket);
  }

  /** The socket in `/` shares its item with the connection, which stays for the others. */
  async function endMain(socket: SocketKey): Promise<readonly Connection[]> {
    const connection = await connections.get(socket);
    if (connection?.session === undefined) return [];
    const { connectionId, namespaces, session } = connection;
    if (Object.keys(namespaces).length === 0) return end(connectionId);
    await clearSocket(connection);
    const left = await connections.leaveMain(connectionId, session.id);
    // What it joined in the meantime, too.
    return left === undefined ? [] : [await clearSocket(left)];
  }

  async function endBeside(socket: SocketKey): Promise<readonly Connection[]> {
    const ended = await connections.endBeside(socket, now());
    if (ended === undefined) return [];
    await clearSocket(ended);
    await connections.forgetBeside(ended);
    return [ended];
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
    for (const socket of others) await connections.endBeside(socket, now());
    const beside = others.length === 0 ? [] : await connections.getAll(others);
    return Promise.all([connection, ...beside].map(clearSocket));
  }

  async function clearSocket(connection: Connection): Promise<Connection> {
    const { connectionId, nsp, session, slot, claims, previousClaims } = connection;
    if (session === undefined) return connection;
    const { id, tenant, userId, data } = session;
    if (slot !== undefined) await slots.release(tenant, slot, connectionId);
    const departed = { id, tenant, userId, data, connectionId, nsp };
    await app.namespaces[nsp]?.release?.(departed, [claims, previousClaims], stores);
    await rooms.erase(departed, [...connection.rooms, ...connection.left]);
    return connection;
  }
}
