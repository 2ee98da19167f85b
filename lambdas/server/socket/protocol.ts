import type { Session } from "#server/model/connection.ts";
import { isTooDeep } from "#server/model/depth.ts";
import type { Limited } from "#server/model/rate.ts";
import type { AssembledPacket, Assembly, PieceFrame } from "./assemble.ts";
import type { Connected } from "./connect.ts";
import type { Emission, Outbox } from "./emit-buffer.ts";
import {
  announcedAttachments,
  decodePacket,
  isLegalHeader,
  type Packet,
  PacketType,
  withoutArguments,
} from "./packets.ts";

/** Milliseconds within which a connection must send CONNECT. */
export const CONNECT_TIMEOUT = 45_000;

const NO_SESSION = "a packet before CONNECT, or after the end of its session";

/** Characters kept of an event's name, which no legal one exceeds. */
const LONGEST_NAME = 128;

/** One Engine.IO message of a client, with what API Gateway knows of it. */
export interface Incoming {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly receivedAt: number;
  readonly messageId: string;
  /** Set where this socket sends more than it may. */
  readonly limited?: Limited | undefined;
}

/** An event packet of a connection. */
export interface EventPacket {
  readonly connectionId: string;
  readonly event: string;
  readonly args: readonly unknown[];
  /** Present where the client asked for an acknowledgement. */
  readonly ackId?: number | undefined;
  /** Bytes of the arguments as the client sent them, attachments included. */
  readonly bytes: number;
  /** Set where this socket sends more than it may, whatever it sends. */
  readonly limited?: Limited | undefined;
  /** Set where the arguments nest too deep; they are left out then. */
  readonly isTooDeep: boolean;
  /** Not set where nobody can tell in which order its attachments were sent. */
  readonly isOrdered: boolean;
}

/** An event packet of a socket. */
export interface EventCall extends EventPacket {
  readonly session: Session;
}

export interface ProtocolParts {
  readonly session: (connectionId: string) => Promise<Session | undefined>;
  readonly connect: (connectionId: string, auth: unknown, outbox: Outbox) => Promise<Connected>;
  readonly assemble: (frame: PieceFrame) => Promise<Assembly>;
  readonly onEvent: (call: EventCall) => Promise<void>;
  /** Nobody could tell whose packet it is. */
  readonly onFailure: (packet: EventPacket, error: unknown) => Promise<void>;
  readonly onRefusal: (connectionId: string, reason: string) => void;
  readonly onConnected: (connectionId: string, session: Session) => void;
  readonly newOutbox: () => Outbox;
  readonly send: (emissions: readonly Emission[]) => Promise<void>;
  /** The session is over, the connection stays. */
  readonly onDisconnect: (connectionId: string) => Promise<void>;
  /** The client broke the protocol; the reason is for the log. */
  readonly close: (connectionId: string, reason: string) => Promise<void>;
}

/** Socket.IO v5 over one connection, as the reference server speaks it: whatever is illegal closes. */
export function createProtocol(parts: ProtocolParts) {
  return {
    async onMessage(from: Incoming, text: string): Promise<void> {
      if (announcedAttachments(text) === undefined)
        return onPacket(from, { parts: [text], isOrdered: true });
      if (isLegalHeader(text) && (await parts.session(from.connectionId)) !== undefined)
        return onPiece(from, text);
      return parts.close(from.connectionId, "an illegal header of a binary packet");
    },
    onAttachment: onPiece,
  };

  async function onPiece(from: Incoming, content: string | Buffer): Promise<void> {
    const { connectionId, messageId, receivedAt } = from;
    const packets = await parts.assemble({ connectionId, messageId, receivedAt, content });
    if (packets === "illegal")
      return parts.close(connectionId, "attachments that belong to no packet, or too many");
    for (const packet of packets) await onPacket(from, packet);
  }

  async function onPacket(from: Incoming, { parts: content, isOrdered }: AssembledPacket) {
    const { connectionId, limited } = from;
    const [header, ...rest] = content;
    const isDeep = isTooDeep(String(header));
    const text = isDeep ? (withoutArguments(String(header)) ?? "") : String(header);
    const attachments = rest.filter((part) => Buffer.isBuffer(part));
    const packet = decodePacket(text, attachments);
    if (packet === undefined) return parts.close(connectionId, "no packet of Socket.IO");
    if (packet.type === PacketType.CONNECT) return onConnect(from, packet);
    if (packet.nsp !== "/")
      return parts.close(connectionId, "a packet of a namespace that is not connected");

    if (packet.type === PacketType.EVENT) {
      const call = contentOf(packet, [text, ...attachments]);
      return onEvent({ connectionId, ...call, limited, isTooDeep: isDeep, isOrdered });
    }
    const session = await parts.session(connectionId);
    if (session === undefined) return parts.close(connectionId, NO_SESSION);
    switch (packet.type) {
      case PacketType.DISCONNECT:
        return parts.onDisconnect(connectionId);
      // This server never asks for an acknowledgement, so one from a client answers nothing.
      case PacketType.ACK:
        return undefined;
      default:
        return parts.close(connectionId, "a packet that only servers send");
    }
  }

  async function onEvent(packet: EventPacket): Promise<void> {
    let session: Session | undefined;
    try {
      session = await parts.session(packet.connectionId);
    } catch (error) {
      return parts.onFailure(packet, error);
    }
    if (session === undefined) return parts.close(packet.connectionId, NO_SESSION);
    return parts.onEvent({ ...packet, session });
  }

  async function onConnect({ connectionId, connectedAt, receivedAt }: Incoming, packet: Packet) {
    const outbox = parts.newOutbox();
    if (packet.nsp !== "/") {
      const data = { message: "Invalid namespace" };
      outbox.send({ connectionId }, { type: PacketType.CONNECT_ERROR, nsp: packet.nsp, data });
      return parts.send(outbox.emissions);
    }
    if (receivedAt - connectedAt > CONNECT_TIMEOUT)
      return parts.close(connectionId, "CONNECT came too late");

    const result = await parts.connect(connectionId, packet.data, outbox).catch(giveUp);
    if (result.outcome === "illegal")
      return parts.close(connectionId, "CONNECT on a connection that has a session, or is no more");
    // Cut, and not told to stay away: the client comes again, and waits longer each time.
    if (result.outcome === "limited")
      return parts.close(connectionId, "its user connects too often");
    if (result.outcome === "refused") parts.onRefusal(connectionId, result.reason);
    else parts.onConnected(connectionId, result.session);
    return parts.send(outbox.emissions);

    /** Cut, the client comes again; left alone, it would wait for an answer. */
    async function giveUp(error: unknown): Promise<never> {
      await parts.close(connectionId, "CONNECT failed");
      throw error;
    }
  }
}

function contentOf({ data, id }: Packet, parts: readonly [string, ...Buffer[]]) {
  const [name, ...args] = data as [string | number, ...unknown[]];
  const event = String(name).slice(0, LONGEST_NAME);
  const size = parts.map((part) => Buffer.byteLength(part)).reduce((sum, bytes) => sum + bytes);
  const bytes = size - overhead(name, parts[0]);
  return { event, args, ackId: id, bytes };
}

/** Bytes of an event packet that are not arguments: type, ids and `["name",` with its closing bracket. */
const overhead = (name: string | number, text: string): number =>
  text.indexOf("[") + Buffer.byteLength(JSON.stringify(name)) + "[,]".length;
