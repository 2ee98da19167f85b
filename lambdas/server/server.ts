import { randomBytes } from "node:crypto";
import QuickLRU from "quick-lru";
import { events } from "#mudbase/app.ts";
import { type Authenticate, AuthenticationError } from "#mudbase/authentication.ts";
import type { ContractLimits as Limits } from "#mudbase/limits.ts";
import type { CallUpstream } from "#mudbase/upstream.ts";
import { decodeFrame } from "#server/engine/frames.ts";
import {
  admitsOrigin,
  type Headers,
  handshakeFault,
  headerOf,
  openFrame,
} from "#server/engine/handshake.ts";
import { type Opening, postOpening } from "#server/engine/open.ts";
import { createDispatch, type Dispatched, refuseInternally } from "#server/events/dispatch.ts";
import { bucketOf } from "#server/events/rate-limits.ts";
import type { Gateway } from "#server/gateway/connections.ts";
import type { Invoke } from "#server/gateway/invocation.ts";
import type { Session } from "#server/model/connection.ts";
import type { Heartbeat } from "#server/model/limits.ts";
import type { Limited } from "#server/model/rate.ts";
import type { Telemetry } from "#server/model/telemetry.ts";
import { createAssembly } from "#server/socket/assemble.ts";
import { createConnect } from "#server/socket/connect.ts";
import {
  CONNECT_TIMEOUT,
  createProtocol,
  type EventCall,
  type EventPacket,
  type Incoming,
} from "#server/socket/protocol.ts";
import { createRates } from "#server/store/rate-limits.ts";
import { createRevocations } from "#server/store/revocations.ts";
import type { Table } from "#server/store/table.ts";
import { createSockets, type SocketsParts, UndeliveredError } from "./sockets.ts";

/** Sessions a warm function remembers, so that most events cost no read for them. */
const REMEMBERED_SESSIONS = 5000;

export interface ServerParts {
  readonly table: Table;
  readonly gateway: Gateway;
  readonly invokeSelf: Invoke;
  readonly authenticate: Authenticate;
  readonly limits: Limits;
  readonly callUpstream: CallUpstream;
  /** A new id; ids sort by time. */
  readonly newId: () => string;
  readonly heartbeat: Heartbeat;
  /** Origins of pages that may connect; none means all. */
  readonly allowedOrigins: readonly string[];
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  readonly telemetry: Telemetry;
  readonly handOn: SocketsParts["handOn"];
}

/** What `$connect` knows of an upgrade. */
export interface Handshake {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly headers: Headers;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** The Socket.IO server, as API Gateway's routes call it. */
export interface RealtimeServer {
  /** Decides on an upgrade; gives the status to answer it with. */
  accept(handshake: Handshake): Promise<200 | 400 | 403>;
  /** Speaks first, once `$connect` has returned; throws where that is too late. */
  open(opening: Opening): Promise<void>;
  onFrame(from: Incoming, text: string): Promise<void>;
  /** Forgets a connection and all that belongs to it; doing it twice does no harm. */
  disconnect(connectionId: string): Promise<void>;
}

/** Wires the layers into a server. */
export function createRealtimeServer(parts: ServerParts): RealtimeServer {
  const { table, gateway, limits, now, pause, telemetry } = parts;
  const { note } = telemetry;
  const sessions = new QuickLRU<string, Session>({ maxSize: REMEMBERED_SESSIONS });
  const sockets = createSockets({
    table,
    gateway,
    limits,
    now,
    telemetry,
    handOn: parts.handOn,
    onForgotten: (connectionId) => void sessions.delete(connectionId),
  });
  const rates = createRates({ table, now });
  const { connections, rooms, pieces, newOutbox, send, disconnect, close } = sockets;

  const dispatch = createDispatch({
    events,
    stores: sockets,
    rooms,
    rates,
    limits,
    callUpstream: parts.callUpstream,
    newId: parts.newId,
    newOutbox,
    // Of what is sent before a handler has returned: one listener's failed post is not the caller's failure.
    send: sockets.sendOrLog,
    now,
    count: telemetry.count,
  });
  const protocol = createProtocol({
    session: findSession,
    connect: createConnect({
      authenticate: parts.authenticate,
      revocations: createRevocations(table),
      places: sockets.places,
      connectionsPerTenant: limits.connectionsPerTenant,
      connections,
      rooms,
      limit: (identity) => rates.take(bucketOf("connect", identity, limits)),
      now,
    }),
    assemble: createAssembly({ connections, pieces, now, pause }),
    onEvent,
    onFailure: answerFailure,
    onConnected: (connectionId, session) => void sessions.set(connectionId, session),
    onRefusal: (connectionId, reason) => note("CONNECT was refused", { connectionId, reason }),
    newOutbox,
    send,
    onDisconnect: disconnect,
    close,
  });

  return { accept, open, onFrame, disconnect };

  async function accept({ connectionId, connectedAt, headers, query }: Handshake) {
    const fault = handshakeFault(query);
    if (fault !== undefined) {
      note("an upgrade was refused", { connectionId, reason: fault });
      return 400;
    }
    if (!admitsOrigin(parts.allowedOrigins, headers)) {
      const origin = headerOf(headers, "origin");
      note("an upgrade was refused", { connectionId, reason: "its origin is not allowed", origin });
      return 403;
    }
    const identity = await verifyHandshake(connectionId, bearerToken(headers) ?? query.token);
    await connections.add(connectionId, connectedAt, identity);
    try {
      await parts.invokeSelf({ opening: { connectionId, connectedAt } });
    } catch (error) {
      await connections.remove(connectionId);
      throw error;
    }
    telemetry.count("ConnectionsOpened");
    return 200;
  }

  async function verifyHandshake(connectionId: string, token: string | undefined) {
    if (token === undefined) return undefined;
    try {
      return await parts.authenticate(token);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      note("the token of a handshake was refused", { connectionId, reason: error.message });
      return undefined;
    }
  }

  async function open(opening: Opening) {
    const { connectionId } = opening;
    const frame = openFrame(randomBytes(15).toString("base64url"), parts.heartbeat);
    const { post } = gateway;
    const result = await postOpening(opening, frame, { post, pause, now }).catch(giveUp);
    if (result === "sent") return;
    if (result === "late") return giveUp(new Error("the client waited for OPEN in vain"));
    telemetry.count("Gone");
    await close(connectionId, "gone before OPEN could be posted");

    /** Cut, a client that still waits comes again. */
    async function giveUp(error: unknown): Promise<never> {
      await close(connectionId, "OPEN could not be posted");
      throw error;
    }
  }

  async function onFrame(from: Incoming, text: string): Promise<void> {
    if (Buffer.byteLength(text) > parts.heartbeat.maxPayload)
      return close(from.connectionId, "a frame above maxPayload");
    const limited = await limit(from.connectionId);
    if (limited?.isFlood) return expel(from.connectionId);
    const frame = decodeFrame(text);
    switch (frame.type) {
      case "message":
        return protocol.onMessage({ ...from, limited }, frame.data);
      case "attachment":
        return protocol.onAttachment({ ...from, limited }, frame.data);
      case "pong":
        return limited === undefined ? onPong(from) : undefined;
      case "noop":
        return undefined;
      case "close":
        return close(from.connectionId, "the client closed it");
      case "illegal":
        return close(from.connectionId, "no packet that a client of Engine.IO 4 sends");
    }
  }

  /** A frame counts for its user, or for the connection while this function does not know whose it is. */
  async function limit(connectionId: string): Promise<Limited | undefined> {
    const known = sessions.get(connectionId)?.identity;
    const owner = known === undefined ? [connectionId] : [known.org, known.userId];
    const bucket = { kind: "frames", owner, perSecond: limits.framesPerSecond };
    try {
      return await rates.take(bucket);
    } catch (error) {
      // Before the frame is decoded nobody could be answered; what follows can.
      telemetry.fail("a limit could not be kept", error, { connectionId });
      return undefined;
    }
  }

  /** Tells the client not to come back, and cuts it. */
  async function expel(connectionId: string): Promise<void> {
    const outbox = newOutbox();
    outbox.disconnect({ connectionId }, true);
    await send(outbox.emissions);
  }

  async function onPong({ connectionId, receivedAt }: Incoming) {
    const sessionDue = receivedAt - CONNECT_TIMEOUT;
    const connection = await connections.touch(connectionId, receivedAt, sessionDue);
    if (connection === undefined)
      return close(connectionId, "a pong of a connection without a session, or of none");
    if (connection.session !== undefined) sessions.set(connectionId, connection.session);
  }

  async function findSession(connectionId: string): Promise<Session | undefined> {
    const known = sessions.get(connectionId) ?? (await connections.get(connectionId))?.session;
    if (known !== undefined) sessions.set(connectionId, known);
    return known;
  }

  async function answerFailure(packet: EventPacket, error: unknown): Promise<never> {
    telemetry.about({ event: packet.event });
    const outbox = newOutbox();
    refuseInternally(packet, outbox);
    await send(outbox.emissions);
    throw error;
  }

  /** Where the audience could not even be found, nothing has left yet, the answer to the caller included. */
  async function answerUnsent(error: unknown, giveUp: Dispatched["giveUp"]): Promise<never> {
    if (!(error instanceof UndeliveredError)) await send(giveUp(error));
    throw error;
  }

  async function onEvent(call: EventCall) {
    const { identity } = call.session;
    telemetry.about({ event: call.event });
    if (identity.expiresAt * 1000 <= now()) return sockets.expire(call.connectionId);
    const { emissions, fault, giveUp } = await dispatch(call);
    await send(emissions).catch((error: unknown) => answerUnsent(error, giveUp));
    if (fault !== undefined) throw fault;
  }
}

function bearerToken(headers: Headers): string | undefined {
  return /^Bearer (.+)$/i.exec(headerOf(headers, "authorization") ?? "")?.[1];
}
