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

/** The hours of a month, and its days. */
export const HOURS = 730;
const DAYS = HOURS / 24;

/** What clients of another service do in a month; publications and deliveries in millions. */
export interface Traffic {
  readonly published: number;
  readonly received: number;
  readonly connections: number;
  /** Rooms, tables: what clients subscribe to. */
  readonly channels: number;
}

/** Another service, by its price list. */
export interface Peer {
  readonly name: string;
  /** Dollars for so many millions of publications and deliveries, connections left out. */
  messages(traffic: Pick<Traffic, "published" | "received">): number;
  /** Dollars of a month. */
  month(traffic: Traffic): number;
}

/** Millions of minutes in a month of so many connections, or channels. */
const minutes = (count: number): number => (count * HOURS * 60) / 1_000_000;

/** A plan of Pusher: dollars a month, and what it holds. */
const STARTUP = { dollars: 49, connections: 500, millionsADay: 1 };

/** A unit of Azure Web PubSub: dollars a day, and what it holds. */
const UNIT = { dollars: 1.61, connections: 1000, millionsADay: 1 };

/** Price lists of 2026, each the cheapest plan that has no limit, or else as many as it takes. */
export const PEERS: readonly Peer[] = [
  {
    name: "Azure Web PubSub for Socket.IO",
    messages: ({ received }) => received * 1,
    month({ received, connections }) {
      const units = Math.ceil(connections / UNIT.connections);
      const more = Math.max(0, received - units * UNIT.millionsADay * DAYS);
      return units * UNIT.dollars * DAYS + more * 1;
    },
  },
  {
    name: "AppSync Events",
    messages: ({ published, received }) => (published + received) * 1,
    month(traffic) {
      return this.messages(traffic) + minutes(traffic.connections) * 0.08;
    },
  },
  {
    name: "Ably",
    messages: ({ published, received }) => (published + received) * 2.5,
    month(traffic) {
      const { connections, channels } = traffic;
      return 29 + this.messages(traffic) + minutes(connections) * 1 + minutes(channels) * 1;
    },
  },
  {
    name: "Pusher (Startup plan, used to its limit)",
    messages: ({ published, received }) => (published + received) * (STARTUP.dollars / 30),
    month({ published, received, connections }) {
      const plans = Math.max(
        (published + received) / (STARTUP.millionsADay * DAYS),
        connections / STARTUP.connections,
      );
      return Math.ceil(plans) * STARTUP.dollars;
    },
  },
];
