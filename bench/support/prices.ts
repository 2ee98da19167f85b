import { PRICES } from "../../lib/prices.ts";

/** Memory of a function in GB. */
const MEMORY = 0.5;

/** The cost of an event on AWS: its calls, and the duration of its functions. */
export interface EventCost {
  readonly reads: number;
  readonly writes: number;
  readonly posts: number;
  /** Functions that take part, the handler's own included. */
  readonly functions: number;
  /** Milliseconds that all of them take together. */
  readonly milliseconds: number;
}

/** Dollars for a million of an event. */
export function dollarsOf({ reads, writes, posts, functions, milliseconds }: EventCost): number {
  const { message, invocation, gigabyteSecond, readUnit, writeUnit } = PRICES;
  const time = (milliseconds / 1000) * MEMORY * gigabyteSecond * 1_000_000;
  return (
    message * (1 + posts) + invocation * functions + time + readUnit * reads + writeUnit * writes
  );
}

/** Dollars for a million publications to so many receivers, elsewhere. */
export const PEERS: readonly (readonly [string, (receivers: number) => number])[] = [
  ["Azure Web PubSub for Socket.IO", (receivers) => receivers * 1],
  ["AppSync Events", (receivers) => (1 + receivers) * 1],
  ["Ably", (receivers) => (1 + receivers) * 2.5],
  ["Pusher (Startup plan, used to its limit)", (receivers) => (1 + receivers) * (49 / 30)],
];
