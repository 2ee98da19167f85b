import QuickLRU from "quick-lru";
import type { AnyApp, Namespace } from "./app.ts";
import { decodeFrame } from "./engine/frames.ts";
import type { Limited } from "./model/rate.ts";
import { MAIN, type Session, type SocketKey } from "./model/session.ts";
import { CONNECT_TIMEOUT } from "./model/time-outs.ts";
import { refuseInternally } from "./pipeline/answers.ts";
import { createConnect } from "./pipeline/connect.ts";
import { createDispatch, type Dispatched, rateLimitOf } from "./pipeline/event.ts";
import type { Parts } from "./pipeline/parts.ts";
import { createReconstruct } from "./pipeline/reconstruct.ts";
import { createSender, hasNamespaces, UndeliveredError } from "./pipeline/send.ts";
import { createUpgrade } from "./pipeline/upgrade.ts";
import {
  type ClientPacket,
  type EventPacket,
  PacketType,
  readPacket,
  readParts,
} from "./socket/packets.ts";

/** Sessions a warm function remembers, so that most events cost no read for them. */
const MAX_SESSIONS = 5000;

const NO_SESSION = "a packet before CONNECT, or after the end of its session";

/** One frame of a client, with what API Gateway knows of it. */
export interface Received {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly receivedAt: number;
  readonly messageId: string;
}

/** A frame on its way through the pipeline. */
interface From extends Received {
  /** Set where its user sends more than it may. */
  readonly limited?: Limited | undefined;
  /** Not set where nobody can tell in which order the packet's attachments were sent. */
  readonly isOrdered: boolean;
}

/** Makes the Socket.IO server of an application, as API Gateway's routes call it. */
export function createServer(parts: Parts<AnyApp>) {
  const { app, runtime, adapter } = parts;
  const { limits, now, telemetry } = runtime;
  const sessions = new QuickLRU<string, Session>({ maxSize: MAX_SESSIONS });
  const sender = createSender(parts, (connectionId) => void sessions.delete(connectionId));
  const { send, close } = sender;
  const { connections } = adapter;
  const { dispatch, greet } = createDispatch(parts, sender);
  const reconstruct = createReconstruct(parts);
  const connect = createConnect(parts, (user) =>
    adapter.rateLimits.take(rateLimitOf("eventsPerSecond", user, limits)),
  );

  const { accept, open } = createUpgrade(parts, sender);

  return {
    ...{ accept, open, onFrame },
    /** Ends a connection and deletes all that belongs to it; doing it twice does no harm. */
    disconnect: sender.disconnect,
  };

  /** Engine.IO: one frame. */
  async function onFrame(received: Received, text: string): Promise<void> {
    const { connectionId } = received;
    if (Buffer.byteLength(text) > runtime.heartbeat.maxPayload)
      return close(connectionId, "a frame above maxPayload");
    const limited = await limit(connectionId);
    if (limited?.isFlood) return forceClose(connectionId);
    const from = { ...received, limited, isOrdered: true };
    const frame = decodeFrame(text);
    switch (frame.type) {
      case "message":
        return onPacket(from, readPacket(frame.data), frame.data);
      case "attachment":
        return onPart(from, frame.data);
      case "pong":
        return limited === undefined ? onPong(from) : undefined;
      case "noop":
        return undefined;
      case "close":
        return close(connectionId, "the client closed it");
      case "illegal":
        return close(connectionId, "no packet that a client of Engine.IO 4 sends");
    }
  }

  /** Socket.IO: one packet. */
  async function onPacket(from: From, packet: ClientPacket, text: string): Promise<void> {
    const { connectionId } = from;
    if (packet.type === "violation") return close(connectionId, packet.reason);
    const key = { connectionId, nsp: packet.nsp };
    if (packet.type === "connect") return onConnect(from, key, packet.auth);
    if (app.namespaces[packet.nsp] === undefined)
      return close(connectionId, "a packet of a namespace that is not connected");
    if (packet.type === "event") return onEvent(from, key, packet);
    if ((await sessionOf(key)) === undefined) return onStray(key);
    switch (packet.type) {
      case "disconnect":
        return sender.disconnectSocket(key);
      // This server never asks for an acknowledgement, so one from a client answers nothing.
      case "ack":
        return undefined;
      case "header":
        return onPart(from, text);
    }
  }

  /** A packet of a socket that is no more may have been sent before it was left: others stay. */
  async function onStray({ connectionId, nsp }: SocketKey): Promise<void> {
    const main = { connectionId, nsp: MAIN };
    const connection = hasNamespaces(app) ? await connections.get(main) : undefined;
    const others = Object.keys(connection?.namespaces ?? {});
    if (connection?.session === undefined && others.length === 0)
      return close(connectionId, NO_SESSION);
    telemetry.note("a packet was ignored", { connectionId, nsp, reason: NO_SESSION });
  }

  /** A frame of a binary packet: the last one completes it, and perhaps others that waited for it. */
  async function onPart(from: From, content: string | Buffer): Promise<void> {
    const packets = await reconstruct({ ...from, content });
    if (packets === "illegal")
      return close(from.connectionId, "attachments that belong to no packet, or too many");
    for (const { parts, isOrdered } of packets)
      await onPacket({ ...from, isOrdered }, readParts(parts), "");
  }

  async function onConnect(from: From, key: SocketKey, auth: unknown): Promise<void> {
    const { connectionId, receivedAt, connectedAt } = from;
    const namespace = app.namespaces[key.nsp];
    const buffer = sender.newBuffer(key.nsp);
    if (namespace === undefined) {
      const data = { message: "Invalid namespace" };
      buffer.send(key, { type: PacketType.CONNECT_ERROR, data });
      return send(buffer.emissions);
    }
    if (!hasNamespaces(app) && receivedAt - connectedAt > CONNECT_TIMEOUT)
      return close(connectionId, "CONNECT came too late");

    const result = await connect(namespace, key, auth, buffer).catch(giveUp);
    switch (result.outcome) {
      case "illegal":
        return close(connectionId, "CONNECT on a connection that has a session, or is no more");
      case "limited":
        // Cut, and not told to stay away: the client comes again, and waits longer each time.
        return close(connectionId, "its user connects too often");
      case "refused":
        telemetry.note("CONNECT was refused", { connectionId, reason: result.reason });
        return send(buffer.emissions);
      case "connected":
        remember(key, result.session);
        return send([
          ...buffer.emissions,
          ...(await greet(namespace, key, result.session, result.handshake)),
        ]).catch(giveUp);
    }

    /** Cut, the client comes again; left alone, it would wait for an answer. */
    async function giveUp(error: unknown): Promise<never> {
      if (!(error instanceof UndeliveredError)) await close(connectionId, "CONNECT failed");
      throw error;
    }
  }

  async function onEvent(from: From, key: SocketKey, packet: EventPacket): Promise<void> {
    telemetry.about({ event: packet.event });
    const session = await sessionOf(key).catch((error: unknown) =>
      answerFailure(key, packet, error),
    );
    if (session === undefined) return onStray(key);
    if ((session.expiresAt ?? Number.POSITIVE_INFINITY) * 1000 <= now()) return sender.expire(key);
    const { limited, isOrdered } = from;
    const call = { ...packet, key, session, limited, isOrdered };
    const { emissions, fault, giveUp } = await dispatch(namespaceOf(key), call);
    await send(emissions).catch((error: unknown) => answerUnsent(error, giveUp));
    if (fault !== undefined) throw fault;
  }

  /** That of a packet which the switch has let through. */
  function namespaceOf({ nsp }: SocketKey): Namespace {
    const namespace = app.namespaces[nsp];
    if (namespace === undefined) throw new Error(`there is no namespace ${nsp}`);
    return namespace;
  }

  async function onPong({ connectionId, receivedAt }: From): Promise<void> {
    const sessionDue = receivedAt - CONNECT_TIMEOUT;
    const connection = await connections.touch(connectionId, receivedAt, sessionDue);
    if (connection === undefined)
      return close(connectionId, "a pong of a connection without a session, or of none");
    if (connection.session !== undefined) remember(connection, connection.session);
  }

  /** A frame counts for its user, or for the connection while this function does not know whose it is. */
  async function limit(connectionId: string): Promise<Limited | undefined> {
    const known = sessions.get(connectionId);
    const owner = known === undefined ? [connectionId] : [known.tenant, known.userId];
    try {
      const { framesPerSecond: perSecond } = limits;
      return await adapter.rateLimits.take({ kind: "frames", owner, perSecond });
    } catch (error) {
      // Before the frame is decoded nobody could be answered; what follows can.
      telemetry.fail("a limit could not be kept", error, { connectionId });
      return undefined;
    }
  }

  /** Tells the client not to come back, and cuts it. */
  async function forceClose(connectionId: string): Promise<void> {
    const buffer = sender.newBuffer(MAIN);
    buffer.disconnect({ connectionId, nsp: MAIN }, true);
    await send(buffer.emissions);
  }

  async function sessionOf(key: SocketKey): Promise<Session | undefined> {
    const known = sessions.get(key.connectionId) ?? (await connections.get(key))?.session;
    if (known !== undefined) remember(key, known);
    return known;
  }

  /** Not where another function may change it, or end it and leave the connection. */
  function remember(key: SocketKey, session: Session): void {
    if (app.namespaces[key.nsp]?.immutableData && !hasNamespaces(app))
      sessions.set(key.connectionId, session);
  }

  /** Nobody could tell whose packet it is. */
  async function answerFailure(key: SocketKey, packet: EventPacket, error: unknown) {
    const buffer = sender.newBuffer(key.nsp);
    refuseInternally(namespaceOf(key), { ...packet, key }, buffer);
    await send(buffer.emissions);
    throw error;
  }

  /** Where the audience could not even be found, nothing has left yet, the answer to the caller included. */
  async function answerUnsent(error: unknown, giveUp: Dispatched["giveUp"]): Promise<never> {
    if (!(error instanceof UndeliveredError)) await send(giveUp(error));
    throw error;
  }
}
