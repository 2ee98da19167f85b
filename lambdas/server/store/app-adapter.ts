import type { KeyRange, MemberPage, RoomKey } from "#server/model/key-range.ts";
import type { Revocations } from "./adapter.ts";

/** What an application's `stores` may ask of what the server keeps. */
export interface AppAdapter {
  readonly revocations: Revocations;
  readonly rooms: Pages;
}

/** Who is in a room. */
export interface Pages {
  /** The first sockets of a key range of a room, at most so many. */
  page(room: RoomKey, range: KeyRange, limit: number): Promise<MemberPage>;
}
