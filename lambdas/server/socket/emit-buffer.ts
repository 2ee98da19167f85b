import type { QueryPlace } from "#server/model/connection.ts";
import type { Room } from "#server/model/room.ts";
import { encodePacket, type Packet, PacketType } from "./packets.ts";

/** Who a packet is for: one connection, or the sockets of some rooms of an organisation. */
export type Audience =
  | { readonly connectionId: string }
  | {
      readonly org: string;
      readonly rooms: readonly Room[];
      readonly except: readonly Room[];
      /** Users whose sockets are left out. */
      readonly exceptUsers?: readonly string[] | undefined;
      /** Where users' own rooms are addressed: only their sockets whose token grants this project. */
      readonly grantedProject?: string | undefined;
      /** The connection of the sender, where the packet is for the others. */
      readonly sender?: string | undefined;
      /** Live queries that get a copy each, with their `queryId`. */
      readonly watched?: Watched | undefined;
    };

/** Live queries on a collection, as far as they match one of some documents. */
export interface Watched {
  readonly place: QueryPlace;
  readonly documents: readonly object[];
}

/**
 * A packet, already encoded as frames, on its way to an audience; `closes` ends their connections,
 * `leaves` takes them out of a room.
 */
export interface Emission {
  readonly audience: Audience;
  readonly frames: readonly string[];
  readonly closes?: boolean;
  readonly leaves?: Room;
}

/** Packets that wait for their handler to succeed: nothing leaves before, nothing if it fails. */
export interface Outbox {
  readonly emissions: readonly Emission[];
  /** Gives what is in it and leaves it empty. */
  take(): readonly Emission[];
  emit(audience: Audience, event: string, payload: unknown): void;
  ack(audience: Audience, id: number, value: unknown): void;
  disconnect(audience: Audience, close: boolean): void;
  leave(audience: Audience, room: Room): void;
  send(audience: Audience, packet: Packet): void;
}

export interface OutboxParts {
  readonly encodeFrame: (data: string | Buffer) => string;
  /** Lets through what an event may carry, so that nothing stored beside it leaks. */
  readonly shape: (event: string, payload: unknown) => unknown;
}

/** An empty outbox whose packets are encoded once each, when they are put in. */
export function createOutbox({ encodeFrame, shape }: OutboxParts): Outbox {
  const emissions: Emission[] = [];
  const frames = (packet: Packet) => encodePacket(packet).map(encodeFrame);
  const put = (audience: Audience, packet: Packet) =>
    void emissions.push({ audience, frames: frames(packet) });

  /** An event without a payload has no argument: one that is `undefined` would arrive as `null`. */
  const argumentsOf = (event: string, payload: unknown): readonly unknown[] =>
    payload === undefined ? [] : [shape(event, payload)];

  return {
    emissions,
    take: () => emissions.splice(0),
    send: put,
    emit: (audience, event, payload) =>
      put(audience, {
        type: PacketType.EVENT,
        nsp: "/",
        data: [event, ...argumentsOf(event, payload)],
      }),
    ack: (audience, id, value) =>
      put(audience, { type: PacketType.ACK, nsp: "/", id, data: [value] }),
    leave: (audience, leaves) => void emissions.push({ audience, frames: [], leaves }),
    disconnect: (audience, closes) =>
      void emissions.push({
        audience,
        frames: frames({ type: PacketType.DISCONNECT, nsp: "/" }),
        closes,
      }),
  };
}
