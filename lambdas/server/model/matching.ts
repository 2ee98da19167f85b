import type { KeyRange } from "./key-range.ts";

/** A socket that an application finds by itself; its copy of the packet has one field more. */
export interface Match {
  readonly sid: string;
  readonly connectionId: string;
  readonly field: readonly [name: string, value: string];
}

/** Sockets that an application finds by itself, a key range at a time. */
export interface Matching<Criteria = unknown> {
  /** Those that match of the first sockets of a key range; `until` is the last of these where there are more. */
  page(
    tenant: string,
    criteria: Criteria,
    range: KeyRange,
    limit: number,
  ): Promise<{ readonly matching: readonly Match[]; readonly until?: string | undefined }>;
}

/** What a socket that comes back had the application find for it. */
export interface Recall {
  /** Rooms to which the packets were sent that may match. */
  readonly rooms: readonly string[];
  /** The copies that a packet for a room of these brings, each since when it may, in epoch milliseconds. */
  copies(
    room: string,
    criteria: unknown,
  ): readonly { readonly field: Match["field"]; readonly since: number }[];
  /** Whether so much was matched that what it gave may not be all. */
  isExhausted(): boolean;
}
