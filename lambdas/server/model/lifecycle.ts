import type { DisconnectReason } from "./session.ts";

/** A socket, as other systems are notified of it. */
interface SocketDetail {
  /** Nothing where sockets have none. */
  readonly tenant?: string;
  readonly namespace: string;
  readonly socketId: string;
  readonly userId: string;
}

interface RoomDetail {
  readonly tenant?: string;
  readonly namespace: string;
  readonly room: string;
}

/** What happens to sockets and rooms, as other systems are notified of it: an event of EventBridge. */
export type LifecycleEvent =
  | { readonly type: "Socket Connected" | "Socket Recovered"; readonly detail: SocketDetail }
  | {
      readonly type: "Socket Disconnected";
      readonly detail: SocketDetail & { readonly reason: DisconnectReason };
    }
  | { readonly type: "Room Occupied" | "Room Vacated"; readonly detail: RoomDetail };
