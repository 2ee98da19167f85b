import type { Room } from "#server/model/room.ts";
import type { Outbox, Watched } from "./emit-buffer.ts";

/** Events by name, each with the payload it carries. */
export type EventMap = object;

/** Sends one event to one or several sockets. */
export type Emit<Events extends EventMap> = <Name extends keyof Events & string>(
  event: Name,
  payload: Events[Name],
) => void;

/** Some rooms to send to; every refinement is a new one. A socket in several of them gets one copy. */
export interface Broadcast<Events extends EventMap> {
  /** The same with another room, or other rooms, besides. */
  to(room: Room | readonly Room[]): Broadcast<Events>;
  /** The same without the sockets of a room, or of any of several. */
  except(room: Room | readonly Room[]): Broadcast<Events>;
  /** The same without the sockets of these users. */
  exceptUsers(userIds: readonly string[]): Broadcast<Events>;
  /** The same without those sockets in users' own rooms whose token does not grant the project. */
  granted(projectId: string): Broadcast<Events>;
  /** The same for live queries besides, each with its `queryId`; for publications, which have no caller. */
  watched(watched: Watched): Broadcast<Events>;
  readonly emit: Emit<Events>;
  /** The same for an event whose name is only known when it is sent. */
  emitAny(event: string, payload: unknown): void;
  /** Takes the sockets in these rooms out of a room, each before anything else is sent to it. */
  socketsLeave(room: Room): void;
  /** Ends the sessions in these rooms; `close` cuts their connections as well. */
  disconnectSockets(close?: boolean): void;
}

interface Rooms {
  readonly org: string;
  readonly rooms: readonly Room[];
  readonly except: readonly Room[];
  readonly exceptUsers?: readonly string[] | undefined;
  readonly grantedProject?: string | undefined;
  readonly sender?: string | undefined;
  readonly watched?: Watched | undefined;
}

/** A broadcast into an outbox, from nobody or from the connection `sender`, which is left out. */
export function createBroadcast<Events extends EventMap>(
  outbox: Outbox,
  audience: Rooms,
): Broadcast<Events> {
  return {
    to: (room) => createBroadcast(outbox, { ...audience, rooms: audience.rooms.concat(room) }),
    except: (room) =>
      createBroadcast(outbox, { ...audience, except: audience.except.concat(room) }),
    exceptUsers: (exceptUsers) => createBroadcast(outbox, { ...audience, exceptUsers }),
    granted: (grantedProject) => createBroadcast(outbox, { ...audience, grantedProject }),
    watched: (watched) => createBroadcast(outbox, { ...audience, watched }),
    emit: (event, payload) => outbox.emit(audience, event, payload),
    emitAny: (event, payload) => outbox.emit(audience, event, payload),
    socketsLeave: (room) => outbox.leave(audience, room),
    disconnectSockets: (close = false) => outbox.disconnect(audience, close),
  };
}
