import { EventError } from "./errors.ts";
import { segments } from "./model/segments.ts";

/** Bytes of a name that becomes part of a key, of which DynamoDB takes 2,048 in all. */
const MAX_NAME = 1536;

/** Bytes of a tenant in a key, which leaves room for such a name. */
const MAX_TENANT = 384;

/** Bytes of what an application may keep with a socket, which every event of it reads. */
const MAX_DATA = 8192;

/** Refuses names of rooms and users that no key can hold, before anything is noted of them. */
export function requireNames(names: readonly unknown[]): void {
  for (const name of names)
    if (typeof name !== "string" || Buffer.byteLength(name) > MAX_NAME)
      throw new EventError("invalid_payload", `a name must be a text of at most ${MAX_NAME} bytes`);
}

/** Refuses a tenant whose rooms no key could hold. */
export function requireTenant(tenant: unknown): void {
  if (typeof tenant !== "string" || Buffer.byteLength(segments(tenant)) > MAX_TENANT)
    throw new EventError(
      "invalid_payload",
      `a tenant must be a text of at most ${MAX_TENANT} bytes, of which # and % count as three`,
    );
}

/** Refuses names that no room can have. */
export function requireRooms(rooms: readonly unknown[]): void {
  requireNames(rooms);
  if (rooms.includes(""))
    throw new EventError("invalid_payload", "a room's name must not be empty");
}

/** What is kept of a socket's data: its JSON. Refuses what is too large, or cannot be kept. */
export function storable<Data>(data: Data): Data {
  const text = JSON.stringify(data);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_DATA)
    throw new EventError("too_large", `socket.data is ${bytes} bytes, more than ${MAX_DATA}`);
  if (text.includes('"__proto__":'))
    throw new EventError("invalid_payload", "socket.data has a field __proto__");
  return JSON.parse(text) as Data;
}
