import type { Listed } from "./session.ts";

/** Sockets by a range of their ids, so that several functions can share a large room. */
export interface KeyRange {
  /** Ids after this one; from the first without it. */
  readonly after?: string | undefined;
  /** Ids up to this one; to the last without it. */
  readonly upTo?: string | undefined;
  /** Ids that another function takes care of. */
  readonly without: readonly string[];
}

/** A room of a tenant's namespace. */
export interface RoomKey {
  readonly tenant: string;
  readonly nsp: string;
  readonly room: string;
}

/** The first sockets of a key range; `until` is the last of them where there are more. */
export interface MemberPage {
  readonly members: readonly Listed[];
  readonly until?: string | undefined;
}

/** Parts of all ids, of equal size. */
const PARTS = 8;

/** The part that an id is in. */
export const partOf = (id: string): number => Math.floor(positionOf(id) * PARTS);

/** The one part that holds all ids of a key range; nothing where there is none. */
export function onlyPartOf({ after, upTo }: KeyRange): number | undefined {
  if (after === undefined || upTo === undefined) return undefined;
  const part = partOf(after);
  return part === partOf(upTo) ? part : undefined;
}

/** Whether an id is in a key range. */
export const isInRange = (id: string, { after, upTo, without }: KeyRange): boolean =>
  (after === undefined || id > after) &&
  (upTo === undefined || id <= upTo) &&
  !without.includes(id);

/** All there are. */
export const EVERYBODY: KeyRange = { without: [] };

/** The characters of session ids (base64url), in the order of DynamoDB's sort keys. */
const CHARACTERS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/** Characters that a border between two key ranges has. */
const PRECISION = 4;

/**
 * Divides what is left of a key range after its ids up to `cut` into key ranges of about the size of the part
 * before that, but no more than `most`.
 */
export function divideRest(
  { after, upTo, without }: KeyRange,
  cut: string,
  most: number,
): KeyRange[] {
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
