import type { AnyApp, Namespace } from "./app.ts";
import { decodeFrame } from "./engine/frames.ts";
import { MAX_RUN } from "./model/limits.ts";
import type { Limited } from "./model/rate.ts";
import { type Address, MAIN } from "./model/session.ts";
import { CONNECT_TIMEOUT } from "./model/time-outs.ts";
import { createUnderWay } from "./model/under-way.ts";
import { acknowledge } from "./pipeline/acknowledgements.ts";
import type { SocketEvent } from "./pipeline/answers.ts";
import { createConnect } from "./pipeline/connect.ts";
import { createDispatch, rateLimitOf } from "./pipeline/event.ts";
import { createFrameLimit } from "./pipeline/frame-limit.ts";
import { createKnownSessions } from "./pipeline/known-sessions.ts";
import type { Parts } from "./pipeline/parts.ts";
import type { createProbe } from "./pipeline/probe.ts";
import { createReconstruct } from "./pipeline/reconstruct.ts";
import { createReport } from "./pipeline/report.ts";
import { createSender } from "./pipeline/send.ts";
import { type Sender, UndeliveredError } from "./pipeline/sender.ts";
import { answerFailure, answerUnsent } from "./pipeline/unsent.ts";
import { welcome } from "./pipeline/welcome.ts";
import { type ClientPacket, PacketType, readPacket, readParts } from "./socket/packets.ts";

const NO_SESSION = "a packet before CONNECT, or after the end of its session";

/** One frame of a client, with what API Gateway knows of it. */
export interface Received {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly receivedAt: number;
  readonly messageId: string;
  /** Set where its user sends more than it may. */
  readonly limited?: Limited | undefined;
  /** Called where its handler begins to wait for acknowledgements. */
  readonly onWait?: (() => void) | undefined;
}

/** A frame on its way through the pipeline; its connection is the one that its client began with. */
interface From extends Received {
  /** The connection that it came by: a link where its client has begun with polling. */
  readonly link: string;
  /** The frame itself, or the last one of its packet. */
  readonly text: string;
  /** Not set where nobody can tell in which order the packet's attachments were sent. */
  readonly isOrdered: boolean;
}

/** Makes the Socket.IO server of an application; `probing` where frames come by WebSocket, which may be those of links. */
export function createServer(parts: Parts<AnyApp>, probing?: typeof createProbe) {
  const { runtime, adapter } = parts;
  const sessions = createKnownSessions(parts);
  const sender = createSender(parts, sessions.forget);
  const kit: Kit = {
    ...{ ...parts, ...createDispatch(parts, sender), sessions, sender },
    probing: probing?.(parts, sender),
    limit: createFrameLimit(parts, sessions),
    underWay: createUnderWay(),
    reconstruct: createReconstruct(parts),
    connect: createConnect(
      parts,
      (user) => adapter.rateLimits.take(rateLimitOf("eventsPerSecond", user, runtime.limits)),
      // What only a return needs is not loaded as a function starts.
      async (request) => {
        const { createRecover } = await import("./pipeline/recover.ts");
        return createRecover(parts, sender)(request);
      },
    ),
  };
  const report = createReport(parts, sender);

  return {
    ...{ sender, remember: sessions.remember },
    onFrame: (received: Received, text: string) => onFrame(kit, received, text).finally(report),
    /** Ends a connection and deletes all that belongs to it; doing it twice does no harm. */
    disconnect: (connectionId: string) => sender.disconnect(connectionId).finally(report),
  };
}

/** What frames are handled with. */
interface Kit extends Parts<AnyApp>, ReturnType<typeof createDispatch> {
  readonly probing: ReturnType<typeof createProbe> | undefined;
  readonly sessions: ReturnType<typeof createKnownSessions>;
  readonly sender: Sender;
  readonly limit: ReturnType<typeof createFrameLimit>;
  readonly underWay: ReturnType<typeof createUnderWay>;
  readonly reconstruct: ReturnType<typeof createReconstruct>;
  readonly connect: ReturnType<typeof createConnect>;
}

/**
 * Engine.IO: one frame. A breach closes what it came by: the end of a link is its owner's only once it has taken over,
 * and until then its client polls on.
 */
async function onFrame(kit: Kit, received: Received, text: string): Promise<void> {
  const { runtime, links } = kit;
  const { close, cut } = kit.sender;
  const { connectionId: link, receivedAt } = received;
  const connectionId = links.ownerOf(link) ?? link;
  if (runtime.now() - receivedAt > MAX_RUN)
    return cut(link, "a frame that comes too late for the order of what it does");
  if (Buffer.byteLength(text) > runtime.heartbeat.maxPayload)
    return close(link, "a frame above maxPayload");
  const limited = received.limited ?? (await kit.limit(connectionId));
  if (limited?.isFlood) return kit.underWay(connectionId, () => forceClose(kit, connectionId));
  return onEngineFrame(kit, { ...received, connectionId, link, text, limited, isOrdered: true });
}

/** Engine.IO: one frame of a known connection, or of a link that is not known to be one. */
async function onEngineFrame(kit: Kit, from: From): Promise<void> {
  const { close, drop } = kit.sender;
  const { link, limited } = from;
  const frame = decodeFrame(from.text);
  switch (frame.type) {
    case "message":
      return onPacket(kit, from, readPacket(frame.data), frame.data);
    case "attachment":
      return onPart(kit, from, frame.data);
    case "pong":
      return limited === undefined ? onPong(kit, from) : undefined;
    case "probe":
    case "upgrade": {
      const owner = await kit.probing?.ownerOf(link, from.receivedAt);
      if (owner === undefined) return close(link, "there is nothing to upgrade");
      return kit.probing?.[frame.type]({ owner, link });
    }
    case "noop":
      return undefined;
    case "close":
      return drop(link);
    case "illegal":
      return close(link, "no packet that a client of Engine.IO 4 sends");
  }
}

/** Socket.IO: one packet. */
async function onPacket(kit: Kit, from: From, packet: ClientPacket, text: string): Promise<void> {
  const { app, sender } = kit;
  const { close } = kit.sender;
  const { connectionId } = from;
  if (packet.type === "violation") return close(from.link, packet.reason);
  const key: Address = { connectionId, nsp: packet.nsp };
  if (packet.type === "connect") return onConnect(kit, from, key, packet.auth);
  const namespace = app.namespaces[packet.nsp];
  if (namespace === undefined)
    return close(from.link, "a packet of a namespace that is not connected");
  if (packet.type === "event") return onEvent(kit, from, namespace, { ...packet, key });
  const session = await kit.sessions.find(key, from.receivedAt);
  if (session === undefined) return onStray(kit, from, key);
  switch (packet.type) {
    case "disconnect":
      return sender.disconnectSocket({ ...key, sid: session.id }, from.receivedAt);
    case "ack":
      return from.limited === undefined ? acknowledge(kit, session, packet) : undefined;
    case "header":
      return onPart(kit, from, text);
  }
}

/** A packet of a socket that is no more closes its connection, unless that has others. */
async function onStray(kit: Kit, from: From, { connectionId, nsp }: Address): Promise<void> {
  // Whoever has looked for its session would know by now that it comes by a link.
  if (await isOwners(kit, from, kit.links.ownerOf(from.link))) return;
  const { connections } = kit.adapter;
  const { telemetry } = kit.runtime;
  const { sockets = {} } = (await connections.get(connectionId)) ?? {};
  if (Object.keys(sockets).length === 0) return closeStray(kit, from, NO_SESSION);
  telemetry.note("a packet was ignored", { connectionId, nsp, reason: NO_SESSION });
}

/** A frame of a binary packet: the last one completes it, and perhaps others that waited for it. */
async function onPart(kit: Kit, from: From, content: string | Buffer): Promise<void> {
  const { reconstruct } = kit;
  const packets = await reconstruct({ ...from, content });
  if (packets === "illegal")
    return onUnknown(kit, from, "attachments that belong to no packet, or too many");
  for (const { parts, isOrdered } of packets)
    await onPacket(kit, { ...from, isOrdered }, readParts(parts), "");
}

async function onConnect(kit: Kit, from: From, key: Address, auth: unknown): Promise<void> {
  const { app, sender, greet, connect } = kit;
  const { send, close } = kit.sender;
  const { telemetry } = kit.runtime;
  const { connectionId, connectedAt, receivedAt } = from;
  const namespace = app.namespaces[key.nsp];
  const buffer = sender.newBuffer();
  if (namespace === undefined) {
    const data = { message: "Invalid namespace" };
    buffer.send(key, { type: PacketType.CONNECT_ERROR, data });
    return send(buffer.emissions);
  }
  const sentAt = kit.runtime.now();
  const result = await connect(namespace, { ...key, connectedAt }, auth, receivedAt, buffer).catch(
    giveUp,
  );
  switch (result.outcome) {
    case "illegal":
      return onUnknown(kit, from, "CONNECT on a connection that has a session, or is no more");
    case "superseded":
      return sender.cut(connectionId, "its session has another connection, or waits for one");
    case "limited":
      // Cut, and not told to stay away: the client comes again, and waits longer each time.
      return close(connectionId, "its user connects too often");
    case "refused":
      telemetry.note("CONNECT was refused", { connectionId, reason: result.reason });
      return send(buffer.emissions);
    case "connected": {
      const { session, handshake, connection, recovered } = result;
      kit.sessions.remember(connection, sentAt);
      await welcome(kit, connection, recovered).catch(giveUp);
      const opening = [...buffer.emissions];
      const greeting = await greet(
        opening,
        namespace,
        { ...key, sid: session.id },
        session,
        handshake,
        receivedAt,
        recovered !== undefined,
        from.onWait,
      );
      return send([...opening, ...greeting]).catch(giveUp);
    }
  }

  /** Cut, the client comes again; left alone, it would wait for an answer. */
  async function giveUp(error: unknown): Promise<never> {
    if (!(error instanceof UndeliveredError)) await sender.cut(connectionId, "CONNECT failed");
    throw error;
  }
}

async function onEvent(
  kit: Kit,
  from: From,
  namespace: Namespace,
  event: SocketEvent,
): Promise<void> {
  const { sender, dispatch } = kit;
  const { send } = kit.sender;
  const { now, telemetry } = kit.runtime;
  telemetry.about({ event: event.event });
  const session = await kit.sessions
    .find(event.key, from.receivedAt)
    .catch((error: unknown) => answerFailure(sender, namespace, event, error));
  if (session === undefined) return onStray(kit, from, event.key);
  const key = { ...event.key, sid: session.id };
  if ((session.expiresAt ?? Number.POSITIVE_INFINITY) * 1000 <= now()) return sender.expire(key);
  const { limited, isOrdered, receivedAt, onWait } = from;
  const call = { ...event, key, session, limited, isOrdered, receivedAt, onWait };
  const { emissions, beforeSend, fault, giveUp } = await dispatch(namespace, call);
  await send(emissions, { beforeSend }).catch((error: unknown) =>
    answerUnsent(sender, error, giveUp),
  );
  if (fault !== undefined) throw fault;
}

async function onPong(kit: Kit, from: From): Promise<void> {
  const { connectionId, receivedAt } = from;
  const { connections } = kit.adapter;
  const sessionDue = receivedAt - CONNECT_TIMEOUT;
  const sentAt = kit.runtime.now();
  const connection = await connections.touch(connectionId, receivedAt, sessionDue);
  if (connection === undefined)
    return onUnknown(kit, from, "a pong of a connection without a session, or of none");
  kit.sessions.remember(connection, sentAt);
}

/** A frame of a connection that has nothing for it: it comes by a link, or closes. */
async function onUnknown(kit: Kit, from: From, reason: string): Promise<void> {
  const isOwn = from.connectionId === from.link;
  const owner = isOwn ? await kit.probing?.ownerOf(from.link, from.receivedAt) : undefined;
  if (!(await isOwners(kit, from, owner))) await closeStray(kit, from, reason);
}

/** Whether a frame turns out to come by a link, of whose owner this function did not know: then it is handled as the owner's. */
async function isOwners(kit: Kit, from: From, owner: string | undefined): Promise<boolean> {
  if (owner === undefined || from.connectionId !== from.link) return false;
  await onEngineFrame(kit, { ...from, connectionId: owner });
  return true;
}

/** Closes what a frame came by that there is nothing for. */
async function closeStray(kit: Kit, { connectionId, link }: From, reason: string): Promise<void> {
  const { close, cut } = kit.sender;
  const known = await kit.adapter.connections.find(connectionId);
  // What was under way as the connection was cut is no breach: its client may come back.
  const closeIt = known?.endedAt === undefined ? close : cut;
  await closeIt(link, reason);
}

/** Tells the client not to come back, and cuts it. */
async function forceClose(kit: Kit, connectionId: string): Promise<void> {
  const { sender } = kit;
  const { send } = kit.sender;
  const buffer = sender.newBuffer();
  buffer.disconnect({ connectionId, nsp: MAIN }, true);
  await send(buffer.emissions);
}
