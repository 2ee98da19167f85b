import type { Listed } from "./connection.ts";
import type { Room } from "./room.ts";

/** Connections by a range of their ids, which are random, so that a range is a fair share of any room. */
export interface Slice {
  /** Ids after this one; from the first without it. */
  readonly after?: string | undefined;
  /** Ids up to this one; to the last without it. */
  readonly upTo?: string | undefined;
  /** Ids that somebody else has taken care of. */
  readonly without: readonly string[];
}

/** Rooms, read a slice at a time. */
export interface RoomPages {
  /** The first sockets of a slice of a room, at most so many; `until` is the last of them where there are more. */
  page(
    org: string,
    room: Room,
    slice: Slice,
    most: number,
  ): Promise<{ readonly members: readonly Listed[]; readonly until?: string | undefined }>;
  /** Those of these connections that a room lists. */
  among(org: string, room: Room, connectionIds: readonly string[]): Promise<readonly Listed[]>;
}

/** All there are. */
export const EVERYBODY: Slice = { without: [] };

/** The characters of connection ids, in the order of DynamoDB's sort keys. */
const CHARACTERS = "+-/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/** Characters that a border between two slices has. */
const PRECISION = 4;

/**
 * Divides what is left of a slice after its ids up to `cut` into slices of about the size of the part
 * before that, but no more than `most`.
 */
export function divideRest({ after, upTo, without }: Slice, cut: string, most: number): Slice[] {
  const [first, start] = [positionOf(after ?? ""), positionOf(cut)];
  const end = upTo === undefined ? 1 : positionOf(upTo);
  const count = Math.ceil((end - start) / Math.max(start - first, Number.EPSILON));
  const parts = Math.max(1, Math.min(most, count));
  const borders = Array.from({ length: parts - 1 }, (_, index) =>
    textAt(start + ((end - start) * (index + 1)) / parts),
  ).filter((border) => border > cut && (upTo === undefined || border < upTo));
  return [cut, ...borders].map((from, index) => ({
    after: from,
    upTo: borders[index] ?? upTo,
    without,
  }));
}

/** How far along all ids this one is, from 0 to 1. */
function positionOf(id: string): number {
  let position = 0;
  for (let index = PRECISION; index-- > 0; )
    position = (position + Math.max(0, CHARACTERS.indexOf(id[index] ?? ""))) / CHARACTERS.length;
  return position;
}

/** The text that is so far along all ids. */
function textAt(position: number): string {
  let rest = position;
  let text = "";
  while (text.length < PRECISION) {
    rest *= CHARACTERS.length;
    text += CHARACTERS[Math.min(CHARACTERS.length - 1, Math.floor(rest))];
    rest -= Math.floor(rest);
  }
  return text;
}
