import type { RoomAudience } from "./audience.ts";
import type { KeyRange, RoomKey } from "./key-range.ts";

/** What was broadcast to a room, and to whom of it; kept until nobody can come back to it. */
export interface LogEntry {
  readonly room: RoomKey;
  readonly id: string;
  /** Without an offset. */
  readonly frames: readonly string[];
  /** How the broadcast chose among the sockets of its rooms. */
  readonly audience: Omit<RoomAudience, "tenant" | "nsp" | "rooms">;
  /** The sockets that it is for, by their ids; all of the room without it. */
  readonly part?: KeyRange | undefined;
  /** As in an emission. */
  readonly instead?: string | undefined;
  readonly leaves?: string | undefined;
  readonly at?: number | undefined;
  readonly closes?: boolean | undefined;
}

/** Whether this ends the sockets that it is for. */
export const isEnd = ({ closes }: { readonly closes?: boolean | undefined }): boolean =>
  closes !== undefined;

/** When the posts of a broadcast were over, in a key range of a room. */
export interface Mark {
  readonly room: RoomKey;
  readonly broadcast: string;
  readonly done: number;
  readonly range: KeyRange;
  /** Ids outside of the range that were posted to besides. */
  readonly also: readonly string[];
}

/** A packet that waits in the log of a room, by its id; a match's copy has a field more. */
export interface PendingPacket {
  readonly room: string;
  readonly id: string;
  readonly field?: readonly [name: string, value: string] | undefined;
  /** Whether it was sent to other rooms as well. */
  readonly isShared?: boolean | undefined;
}
