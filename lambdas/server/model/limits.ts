/** API Gateway's limit for one message, in and out, in bytes. */
export const MESSAGE_BYTES = 128 * 1024;

/** What one function may give another, in bytes: Lambda takes 1 MB, and some of it says for whom. */
export const INVOCATION_BYTES = 1_000_000;

/** Milliseconds after which nothing that a function began can be going on: none runs longer. */
export const MAX_RUN = 30_000;

/**
 * Milliseconds after which no command of a client can still write anything: a frame is not handled later than
 * `MAX_RUN` after it was received, no function runs longer, and clocks differ by some seconds.
 */
export const LATEST_WRITE = 2 * MAX_RUN + 5000;

/**
 * Milliseconds for which a function trusts what it remembers of a connection. A new session begins on one no sooner
 * after the session before it, so that nothing is taken for the wrong one's.
 */
export const REREAD = 5000;

/** A whole number that a deployment may set. */
export interface Bound {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** The numbers that some bounds allow for. */
export type Bounded<Bounds> = { readonly [Name in keyof Bounds]: number };

/** Reads the numbers of a deployment. Without zod, which takes as long to load as all else that reads settings. */
export interface Numbers<Output> {
  /** What is wrong with some of them, e.g. `shards must be 1 at least`. */
  readonly faultsIn: (given: object) => readonly string[];
  /** Those that are given, and the defaults of the others; throws one sentence that names each wrong one. */
  readonly parse: (given: object) => Output;
}

/** Numbers within bounds, each with its default. */
export function withinBounds<const Bounds extends Readonly<Record<string, Bound>>>(
  bounds: Bounds,
): Numbers<Bounded<Bounds>> {
  /** Each name with its value, and with what is wrong with that. */
  const read = (given: Readonly<Record<string, unknown>>) =>
    Object.entries(bounds).map(([name, bound]) => {
      const { [name]: value = bound.default } = given;
      return { name, value, fault: faultOf(value, bound) };
    });
  const faultsIn: Numbers<unknown>["faultsIn"] = (given) =>
    read({ ...given }).flatMap(({ name, fault }) =>
      fault === undefined ? [] : [`${name} ${fault}`],
    );
  return {
    faultsIn,
    parse(given) {
      const faults = faultsIn(given);
      if (faults.length > 0) throw new Error(faults.join("; "));
      const numbers = read({ ...given }).map(({ name, value }) => [name, value]);
      return Object.fromEntries(numbers) as Bounded<Bounds>;
    },
  };
}

function faultOf(value: unknown, { min, max }: Bound): string | undefined {
  if (!Number.isSafeInteger(value)) return "must be a whole number";
  if (Number(value) < min) return `must be ${min} at least`;
  return Number(value) > max ? `must be ${max} at most` : undefined;
}

/** The limits of any application. */
export const LIMITS = {
  /** Rooms one socket may be in, those it starts with included. */
  roomsPerSocket: { min: 2, max: 1000, default: 200 },
  /** Connections a tenant may have at once, unless it has a limit of its own; 0 is no limit. */
  connectionsPerTenant: { min: 0, max: 10_000_000, default: 0 },
  /** Seconds for which a socket whose connection was lost may come back as the same one; 0: never. */
  connectionStateRecovery: { min: 0, max: 600, default: 120 },
  /** Seconds for which a GET of a client that polls waits for a packet. */
  pollWait: { min: 1, max: 25, default: 20 },
  /** Parts into which connections are divided for the sweep. */
  shards: { min: 1, max: 1000, default: 16 },
  /** Sockets of a room that one function posts to; the rest are other functions'. */
  fanOutPage: { min: 2, max: 5000, default: 1000 },
  /** Events of a user in a second that have no rate of their own, and its connecting; 0 is no limit. */
  eventsPerSecond: { min: 0, max: 10_000, default: 100 },
  /** Frames of a user in a second, whatever they carry; of a connection while it is not known whose it is. */
  framesPerSecond: { min: 0, max: 10_000, default: 200 },
} as const satisfies Readonly<Record<string, Bound>>;

/** How Engine.IO keeps a connection alive, as announced in the OPEN packet; times in milliseconds. */
export const HEARTBEAT = {
  /** Time between two pings of the server: whole minutes, because the sweep comes by the minute. */
  pingInterval: { min: 60_000, max: 480_000, default: 240_000 },
  /** Time a client waits beyond `pingInterval` before it gives the connection up: a ping may come a minute late. */
  pingTimeout: { min: 90_000, max: 86_400_000, default: 120_000 },
  /** Bytes of the largest message a client may send. */
  maxPayload: { min: 1024, max: MESSAGE_BYTES, default: MESSAGE_BYTES },
} as const satisfies Readonly<Record<string, Bound>>;

export const Limits = withinBounds(LIMITS);
/** A number for each. */
export type Limits = Bounded<typeof LIMITS>;

export const Heartbeat = withinBounds(HEARTBEAT);
/** A number for each. */
export type Heartbeat = Bounded<typeof HEARTBEAT>;
