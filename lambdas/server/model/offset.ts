import { decodeTime } from "ulid";

/** Digits of a packet's index among those of one broadcast. */
const INDEX_DIGITS = 4;
const ULID_LENGTH = 26;

/** What follows the id where a packet was replayed. */
export interface Replayed {
  /** Epoch milliseconds at which the log was read. */
  readonly readAt: number;
  /** The id up to which everything that the log had then came before it, or is it. */
  readonly upTo: string;
  /** The id of the last packet that was received before the connection was lost; "" if there was none. */
  readonly anchor: string;
}

/** What a client has received, as its last packet's offset says it. */
export interface Offset {
  readonly id: string;
  /** Epoch milliseconds just before the packet was posted; of a replayed one, of its anchor. */
  readonly postedAt: number;
  readonly replayed?: Replayed | undefined;
}

/** The id of a packet: that of its broadcast, and its index in it. */
export const packetId = (broadcast: string, index: number): string =>
  `${broadcast}${String(index).padStart(INDEX_DIGITS, "0")}`;

/** The id of the copy that a packet is for a match: it follows the packet's own. */
export const copyId = (id: string, field: readonly [name: string, value: string]): string =>
  `${id}~${Buffer.from(field[1]).toString("base64url")}`;

/** The broadcast that a packet belongs to. */
export const broadcastOf = (id: string): string => id.slice(0, ULID_LENGTH);

/** Epoch milliseconds at which a broadcast began. */
export const timeOf = (id: string): number => decodeTime(broadcastOf(id));

/** An offset, as it follows a packet's arguments: its fields, separated by dots. */
const offsetText = ({ id, postedAt, replayed }: Offset): string =>
  [
    ...[id, postedAt],
    ...(replayed === undefined ? [] : [replayed.readAt, replayed.upTo, replayed.anchor]),
  ].join(".");

const ID = `[0-7][0-9A-HJKMNP-TV-Z]{${ULID_LENGTH - 1}}\\d{${INDEX_DIGITS}}(?:~[\\w-]{0,700})?`;
const TIME = "\\d{13}";
const OFFSET = new RegExp(`^(${ID})\\.(${TIME})(?:\\.(${TIME})\\.(${ID})\\.(${ID}|))?$`);

/** Reads what a client says is its last packet's offset; nothing where it is none. */
export function readOffset(text: unknown): Offset | undefined {
  const found = OFFSET.exec(String(text));
  if (found === null) return undefined;
  const [, id = "", postedAt, readAt, upTo = "", anchor = ""] = found;
  const replayed = readAt === undefined ? undefined : { readAt: Number(readAt), upTo, anchor };
  return { id, postedAt: Number(postedAt), replayed };
}

/** The frame of an event with its offset as the last argument. */
export const withOffset = (frame: string, offset: Offset): string =>
  `${frame.slice(0, -1)},${JSON.stringify(offsetText(offset))}]`;

/** The frame of an event that has none: a client takes a text that comes last, the event's name included, for an offset. */
export const withoutOffset = (frame: string): string =>
  frame.endsWith('"]') ? `${frame.slice(0, -1)},null]` : frame;
