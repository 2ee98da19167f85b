import * as z from "zod";

/** API Gateway's limit for one message, in and out, in bytes. */
export const MESSAGE_BYTES = 128 * 1024;

const KIB = 1024;

/** The limits a deployment may set (contract 2.8); the defaults are the contract's. */
export const Limits = z.object({
  /** Rooms one socket may be in, its own two included. */
  roomsPerSocket: z.coerce.number().int().min(2).max(1000).default(200),
  /** Live queries one socket may hold. */
  queriesPerSocket: z.coerce.number().int().min(1).max(100).default(20),
  /** Bytes of the payload of a `custom:*` event, binary attachments included. */
  customPayloadBytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(MESSAGE_BYTES)
    .default(32 * KIB),
});
export type Limits = z.infer<typeof Limits>;

/** How Engine.IO keeps a connection alive, as announced in the OPEN packet; times in milliseconds. */
export const Heartbeat = z.object({
  /** Time between two pings of the server. */
  pingInterval: z.coerce.number().int().min(1000).default(240_000),
  /** Time a client waits beyond `pingInterval` before it gives the connection up. */
  pingTimeout: z.coerce.number().int().min(1000).default(120_000),
  /** Bytes of the largest message a client may send. */
  maxPayload: z.coerce.number().int().min(1024).max(MESSAGE_BYTES).default(MESSAGE_BYTES),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
