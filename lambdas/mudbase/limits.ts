import {
  type Bound,
  type Bounded,
  LIMITS,
  MESSAGE_BYTES,
  withinBounds,
} from "#server/model/limits.ts";

const KIB = 1024;

/** Bytes of a message's content as JSON, so that its packet and a page of history have room for it. */
export const CONTENT_BYTES = 96 * KIB;

/** Milliseconds a call of an integration may take at most (contract, section 6). */
export const MAX_CALL = 20_000;

/** What a deployment of the contract may set besides the limits of any application (contract 2.8). */
export const CONTRACT_LIMITS = {
  /** Wallet rooms one socket may be in. */
  walletRoomsPerSocket: { min: 1, max: 1000, default: 50 },
  /** Seconds after which a user is told to be offline whose last socket has lost its connection and may come back. */
  presenceGrace: { min: 0, max: 600, default: 20 },
  /** Live queries one socket may hold. */
  queriesPerSocket: { min: 1, max: 100, default: 20 },
  /** Bytes of the payload of a `custom:*` event, binary attachments included. */
  customPayloadBytes: { min: 1, max: MESSAGE_BYTES, default: 32 * KIB },
  /** Bytes of the content of a chat message. */
  messageContentBytes: { min: 1, max: CONTENT_BYTES, default: 16 * KIB },
  /** `message:send` of a user in a second; ten seconds' worth may come at once; 0 is no limit. */
  messageSendsPerSecond: { min: 0, max: 10_000, default: 10 },
  /** The other `message:*` and `messages:*` events of a user in a second. */
  messageEventsPerSecond: { min: 0, max: 10_000, default: 20 },
  /** `custom:*` events of a user in a second. */
  customEventsPerSecond: { min: 0, max: 10_000, default: 100 },
  /** `call:*` events of a user in a second. */
  callEventsPerSecond: { min: 0, max: 10_000, default: 5 },
  /** `integration:*` events of a user in a second. */
  integrationEventsPerSecond: { min: 0, max: 10_000, default: 10 },
  /** Days a chat message is kept; 0 keeps it for good. */
  messageRetentionDays: { min: 0, max: 36_500, default: 0 },
} as const satisfies Readonly<Record<string, Bound>>;

const ALL = { ...CONTRACT_LIMITS, ...LIMITS };

export const ContractLimits = withinBounds(ALL);
export type ContractLimits = Bounded<typeof ALL>;
