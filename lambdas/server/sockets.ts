import { announce } from "#mudbase/announce.ts";
import { type Emits, shape } from "#mudbase/emits.ts";
import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { MatchingParts } from "#mudbase/matching.ts";
import { type Calls, createCalls } from "#mudbase/store/calls.ts";
import { type Chats, createChats } from "#mudbase/store/chats.ts";
import { createIntegrations, type Integrations } from "#mudbase/store/integrations.ts";
import { createMessages, type Messages } from "#mudbase/store/messages.ts";
import { createPresence, type Presence } from "#mudbase/store/presence.ts";
import { createQueries, type Queries } from "#mudbase/store/queries.ts";
import { encodeFrame } from "#server/engine/frames.ts";
import type { Gateway } from "#server/gateway/connections.ts";
import { type Connection, memberOf, type Session } from "#server/model/connection.ts";
import { EVERYBODY, type Slice } from "#server/model/key-range.ts";
import { isPresenceRoom, type Room } from "#server/model/room.ts";
import type { Telemetry } from "#server/model/telemetry.ts";
import { type DeliveryParts, deliver, type Gone } from "#server/socket/delivery.ts";
import type { LiveQueryPages } from "#server/socket/directory.ts";
import { createOutbox, type Emission, type Outbox } from "#server/socket/emit-buffer.ts";
import { createServer } from "#server/socket/socket.ts";
import { createPieces, type Pieces } from "#server/store/attachments.ts";
import { type Connections, createConnections } from "#server/store/connections.ts";
import { createRooms, type Rooms } from "#server/store/rooms.ts";
import { createPlaces, type Places } from "#server/store/slots.ts";
import type { Table } from "#server/store/table.ts";

export interface SocketsParts {
  readonly table: Table;
  readonly gateway: Gateway;
  readonly limits: Limits;
  readonly now: () => number;
  readonly telemetry: Telemetry;
  /** Has another function deliver to a part of a large room. */
  readonly handOn: DeliveryParts["handOn"];
  /** Live queries are matched by functions that carry publications alone: `sift` is large. */
  readonly createMatching?: (parts: MatchingParts) => LiveQueryPages;
  /** Called for each connection that is forgotten, before anything else happens to it. */
  readonly onForgotten?: (connectionId: string) => void;
}

/** The sockets of a deployment, as every function reaches them: where they are, and the way to them. */
export interface Sockets {
  readonly connections: Connections;
  readonly rooms: Rooms;
  readonly presence: Presence;
  readonly queries: Queries;
  readonly pieces: Pieces;
  readonly chats: Chats;
  readonly messages: Messages;
  readonly calls: Calls;
  readonly places: Places;
  readonly integrations: Integrations;
  newOutbox(): Outbox;
  /**
   * Posts emissions; forgets the connections that are gone. Throws an `UndeliveredError` once all is
   * done where some post failed; throws anything else before the first post. `ready` is called in between.
   */
  send(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** The same; failed posts are logged, as a second try would reach those again whom the first one has. */
  sendOrLog(emissions: readonly Emission[], options?: SendOptions): Promise<void>;
  /** Forgets a connection and all that belongs to it; doing it twice does no harm. */
  disconnect(connectionId: string): Promise<void>;
  /** Takes away whatever a connection has, or may have: what an earlier try left included. */
  clear(connection: Connection): Promise<void>;
  /** Tells a socket that its token has expired, and cuts it. */
  expire(connectionId: string): Promise<void>;
  /** Forgets a connection and cuts it; the reason is for the log. */
  close(connectionId: string, reason: string): Promise<void>;
}

export interface SendOptions {
  /** The sockets that are meant, where others take care of the rest. */
  readonly slice?: Slice;
  readonly ready?: (() => Promise<void>) | undefined;
}

/** Some packets could not be posted; the others have been. */
export class UndeliveredError extends AggregateError {
  override readonly name = "UndeliveredError";

  constructor(failures: readonly unknown[]) {
    super(failures, `${failures.length} packets could not be posted`, { cause: failures[0] });
  }
}

/** Wires the stores to the gateway. */
export function createSockets(parts: SocketsParts): Sockets {
  const { table, gateway, limits, now, telemetry, handOn, onForgotten } = parts;
  const connections = createConnections(table, limits);
  const rooms = createRooms({ table, connections, now });
  const presence = createPresence({ table, rooms, now });
  const { queriesPerSocket } = limits;
  const queries = createQueries({ table, connections, now, queriesPerSocket });
  const liveQueries = parts.createMatching?.({
    queries,
    report: ({ connectionId, queryId }, why) =>
      telemetry.fail("a live query was skipped", new Error(why), { connectionId, queryId }),
  });
  const pieces = createPieces(table);
  const chats = createChats(table);
  const messages = createMessages({ table, now, retentionDays: limits.messageRetentionDays });
  const places = createPlaces({ table, now });
  const calls = createCalls({ table, now });
  const integrations = createIntegrations({ table, now });
  const stores = { connections, rooms, presence, queries, pieces, chats, messages, calls, places };
  const newOutbox = () => createOutbox({ encodeFrame, shape });

  return { ...stores, integrations, newOutbox, send, sendOrLog, clear, expire, disconnect, close };

  async function send(
    emissions: readonly Emission[],
    { slice = EVERYBODY, ready }: SendOptions = {},
  ): Promise<void> {
    const began = now();
    const { recipients, posts, gone, ended, stayed, failures } = await deliver(
      { emissions, slice },
      {
        rooms,
        liveQueries,
        pageSize: limits.fanOutPage,
        post: gateway.post,
        leave: rooms.leave,
        handOn,
        ready,
      },
    );
    telemetry.count("FanOut", recipients);
    telemetry.count("FanOutDuration", now() - began);
    telemetry.count("Posts", posts);
    telemetry.count("Gone", gone.length);
    telemetry.count("PostsFailed", failures.length);
    await Promise.all([
      ...gone.map(forgetOrLog),
      ...ended.map((end) =>
        end.close
          ? close(end.connectionId, "the server disconnected it")
          : disconnect(end.connectionId),
      ),
    ]);
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

  /** Everybody else has been posted to: a failure here must not look as if nothing was sent. The sweep comes. */
  async function forgetOrLog({ connectionId, found }: Gone): Promise<void> {
    try {
      await Promise.all([
        disconnect(connectionId),
        ...found.map(({ org, room }) => rooms.erase(org, [room], connectionId)),
      ]);
    } catch (error) {
      telemetry.fail("a connection that is gone was not forgotten", error, { connectionId });
    }
  }

  async function expire(connectionId: string): Promise<void> {
    const outbox = newOutbox();
    const timestamp = new Date(now()).toISOString();
    outbox.emit({ connectionId }, "session:expired", {
      reason: "the token has expired",
      timestamp,
    });
    outbox.disconnect({ connectionId }, true);
    await send(outbox.emissions);
  }

  async function close(connectionId: string, reason: string): Promise<void> {
    telemetry.note("a connection was closed", { connectionId, reason });
    try {
      await disconnect(connectionId);
    } finally {
      await gateway.close(connectionId);
    }
  }

  async function disconnect(connectionId: string): Promise<void> {
    onForgotten?.(connectionId);
    const connection = await connections.end(connectionId, now());
    if (connection === undefined) return;
    telemetry.count("ConnectionsClosed");
    await clear(connection);
  }

  async function clear({ connectionId, session, ...connection }: Connection): Promise<void> {
    await pieces.erase(connectionId, connection.pieces);
    if (session === undefined) return;
    const { org } = session.identity;
    if (connection.place !== undefined) await places.give(org, connection.place, connectionId);
    await queries.erase(org, connectionId, connection.queries, connection.previousQueries);
    await vacate(connectionId, session, [...connection.rooms, ...connection.left]);
  }

  async function vacate(connectionId: string, { identity }: Session, vacated: readonly Room[]) {
    const { org } = identity;
    await rooms.erase(org, vacated, connectionId);
    const member = memberOf(connectionId, identity);
    const { done, failure } = await presence.exit(member, vacated.filter(isPresenceRoom));

    const outbox = newOutbox();
    await announce("offline", identity, done, {
      to: createServer<Emits>(org, outbox).to,
      flush: () => sendOrLog(outbox.take()),
      onlineIn: (asked) => presence.onlineIn(member, asked),
      timestamp: new Date(now()).toISOString(),
    });
    if (failure !== undefined) throw failure;
  }
}
