import * as z from "zod/mini";
import { checked } from "./fields.ts";

/** API Gateway's limit for one message, in and out, in bytes. */
export const MESSAGE_BYTES = 128 * 1024;

/** What one function may hand another, in bytes: Lambda takes 1 MB, and some of it says for whom. */
export const HANDED_BYTES = 1_000_000;

/** Milliseconds a call of an integration may take at most (contract, section 6). */
export const LONGEST_CALL = 20_000;

/** Milliseconds after which nothing that a function began can be going on: none runs longer. */
export const LONGEST_WORK = 30_000;

const KIB = 1024;

/** Bytes of a message's content as JSON, so that its packet and a page of history have room for it. */
export const CONTENT_BYTES = 96 * KIB;

const ONE_DAY = 86_400_000;

const whole = (least: number, most: number, usual: number) =>
  z._default(checked(z.int(), z.minimum(least), z.maximum(most)), usual);

/** The limits a deployment may set (contract 2.8); the defaults are the contract's. */
export const Limits = z.object({
  /** Rooms one socket may be in, its own two included. */
  roomsPerSocket: whole(2, 1000, 200),
  /** Wallet rooms one socket may be in. */
  walletRoomsPerSocket: whole(1, 1000, 50),
  /** Connections an organisation may have at once, unless it has a limit of its own; 0 is no limit. */
  connectionsPerOrganisation: whole(0, 10_000_000, 0),
  /** Parts into which connections are divided for the sweep. */
  shards: whole(1, 1000, 16),
  /** Sockets of a room that one function posts to; the rest it hands on. */
  fanOutPage: whole(2, 5000, 1000),
  /** Live queries one socket may hold. */
  queriesPerSocket: whole(1, 100, 20),
  /** Bytes of the payload of a `custom:*` event, binary attachments included. */
  customPayloadBytes: whole(1, MESSAGE_BYTES, 32 * KIB),
  /** Bytes of the content of a chat message. */
  messageContentBytes: whole(1, CONTENT_BYTES, 16 * KIB),
  /** Events of a user in a second, by the beginnings of their names; ten seconds' worth may come at once; 0 is no limit. */
  messageSendsPerSecond: whole(0, 10_000, 10),
  messageEventsPerSecond: whole(0, 10_000, 20),
  customEventsPerSecond: whole(0, 10_000, 100),
  callEventsPerSecond: whole(0, 10_000, 5),
  integrationEventsPerSecond: whole(0, 10_000, 10),
  /** All other events of a user in a second, and its connecting. */
  eventsPerSecond: whole(0, 10_000, 100),
  /** Frames of a user in a second, whatever they carry; of a connection while it is not known whose it is. */
  framesPerSecond: whole(0, 10_000, 200),
  /** Days a chat message is kept; 0 keeps it for good. */
  messageRetentionDays: whole(0, 36_500, 0),
});
export type Limits = z.infer<typeof Limits>;

/** How Engine.IO keeps a connection alive, as announced in the OPEN packet; times in milliseconds. */
export const Heartbeat = z.object({
  /** Time between two pings of the server. */
  pingInterval: whole(1000, ONE_DAY, 240_000),
  /** Time a client waits beyond `pingInterval` before it gives the connection up. */
  pingTimeout: whole(1000, ONE_DAY, 120_000),
  /** Bytes of the largest message a client may send. */
  maxPayload: whole(1024, MESSAGE_BYTES, MESSAGE_BYTES),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
