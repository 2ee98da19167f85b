import type * as z from "zod/mini";
import type { RoomAudience } from "#server/model/audience.ts";
import type { Address } from "#server/model/session.ts";
import { wordingOf } from "#server/model/wording.ts";
import { encodePacket, type Packet, PacketType } from "./packets.ts";

/** One socket, or an address that may have none. */
export type SocketAudience = Address & { readonly sid?: string | undefined };

/** Who a packet is for: one socket, or those of some rooms. */
export type Audience = SocketAudience | RoomAudience;

/** Whether an audience is that of rooms. */
export const isOfRooms = (audience: Audience): audience is RoomAudience => "rooms" in audience;

/**
 * A packet, already encoded as frames, on its way to an audience; `closes` ends their sessions, and
 * with `true` their connections, `leaves` takes them out of a room, and `joins` puts them into others.
 */
export interface Emission {
  readonly audience: Audience;
  readonly frames: readonly string[];
  /** Set for events, which carry an offset where sockets may come back. */
  readonly isEvent?: boolean;
  /** The id of such an event, from which its offset is made. */
  readonly id?: string | undefined;
  /** The id that it had before it was sent anew, because it came too late to a part of its rooms. */
  readonly instead?: string | undefined;
  readonly closes?: boolean;
  readonly leaves?: string;
  /** Puts them into rooms. */
  readonly joins?: readonly string[];
  /** Epoch milliseconds at which that was commanded: of two commands the later one decides. */
  readonly at?: number;
  /** The id by which each is asked to acknowledge it. */
  readonly ackId?: number;
}

/** Packets that wait for their handler to succeed: nothing leaves before, nothing if it fails. */
export interface EmitBuffer {
  readonly emissions: readonly Emission[];
  readonly serialize: Serialize;
  /** Gives what is in it and leaves it empty. */
  take(): readonly Emission[];
  emit(audience: Audience, event: string, args: readonly unknown[]): void;
  /** Emits an event that is to be acknowledged, by this id. */
  ask(audience: Audience, ackId: number, event: string, args: readonly unknown[]): void;
  ack(socket: SocketAudience, id: number, values: readonly unknown[]): void;
  disconnect(audience: Audience, close: boolean): void;
  leave(audience: RoomAudience, room: string, at: number): void;
  send(socket: SocketAudience, packet: Omit<Packet, "nsp">): void;
}

/** Encodes one message as a frame of the transport. */
export type EncodeFrame = (data: string | Buffer) => string;

/** Leaves out what an event of a namespace may not carry, so that nothing stored beside it leaks. */
export type Serialize = (
  nsp: string,
  event: string,
  args: readonly unknown[],
) => readonly unknown[];

/** Names that Socket.IO keeps for itself: a client would take one for a breach of the protocol. */
export const RESERVED_EVENTS: readonly string[] = [
  ...["connect", "connect_error", "disconnect", "disconnecting"],
  ...["newListener", "removeListener"],
];

/** Serializes by the schemas of those events of a namespace that have one. */
export const serializer =
  (
    emitsOf: (nsp: string) => Readonly<Record<string, z.ZodMiniType>> | undefined = () => undefined,
  ): Serialize =>
  (nsp, event, args) => {
    const emits = emitsOf(nsp) ?? {};
    const schema = Object.hasOwn(emits, event) ? emits[event] : undefined;
    // An event without a payload has no argument: one that is `undefined` would arrive as `null`.
    const [payload] = args;
    if (args.length === 1 && payload === undefined) return [];
    if (schema === undefined) return args;
    const wording = { error: wordingOf };
    return takesAll(schema)
      ? (schema.parse(args, wording) as unknown[])
      : [schema.parse(payload, wording)];
  };

/** Whether a schema is of all arguments, and not of the first. */
export const takesAll = (schema: z.ZodMiniType): boolean => schema._zod.def.type === "tuple";

/** An empty buffer, whose packets are encoded once each, when they are put in. */
export function createEmitBuffer(encodeFrame: EncodeFrame, serialize: Serialize): EmitBuffer {
  const emissions: Emission[] = [];
  const put = (audience: Audience, packet: Omit<Packet, "nsp">, more: object = {}) => {
    const frames = encodePacket({ ...packet, nsp: audience.nsp }).map(encodeFrame);
    emissions.push({ audience, frames, ...more });
  };

  const eventOf = ({ nsp }: Audience, event: string, args: readonly unknown[]) => {
    if (RESERVED_EVENTS.includes(event)) throw new Error(`"${event}" is a reserved event name`);
    if (typeof args.at(-1) === "function")
      throw new Error(`"${event}" has a callback: use timeout(…).emitWithAck, and wait for it`);
    return { type: PacketType.EVENT, data: [event, ...serialize(nsp, event, args)] };
  };

  return {
    emissions,
    serialize,
    take: () => emissions.splice(0),
    send: put,
    emit: (audience, event, args) =>
      put(audience, eventOf(audience, event, args), { isEvent: true }),
    // Nobody who comes back is asked again, so it has no offset.
    ask: (audience, ackId, event, args) =>
      put(audience, { ...eventOf(audience, event, args), id: ackId }, { ackId }),
    ack: (socket, id, values) => put(socket, { type: PacketType.ACK, id, data: [...values] }),
    leave: (audience, leaves, at) => void emissions.push({ audience, frames: [], leaves, at }),
    disconnect: (audience, closes) => put(audience, { type: PacketType.DISCONNECT }, { closes }),
  };
}
