import type { Membership } from "./ledger.ts";

/** Milliseconds for which a lost user surely counts as online: less than the default `presenceGrace`. */
const SURE_GRACE = 15_000;

/** Milliseconds within which an end is told, also where its DISCONNECT was lost: the grace, a minute, and a delivery. */
export const MAX_UNTOLD = 90_000;

/** Whether a user is online; `unknown` while that changes, or after a change that was not acknowledged. */
export type Status = "online" | "offline" | "unknown";

/** What a socket was told about a user, with the time of the server. */
interface Told {
  readonly userId: string;
  readonly status: Status;
  readonly at: number;
}

/** One socket that was told wrongly about a user: that it has gone, although it was there; or not that it has gone. */
interface WronglyTold {
  readonly watcher: string;
  readonly userId: string;
  readonly reason: "told that one has gone who has not" | "not told that one has gone";
  readonly at: number;
}

/** Who is online, and what others are told of it. */
export interface PresenceLedger {
  /** Records that a user comes online, goes offline, or may do either. */
  change(userId: string, status: Status): void;
  /** Records that a user's connection is lost: it may come back, and nobody is told at once. */
  lose(userId: string): void;
  comeBack(userId: string): void;
  /** Records that a user has ended its session, which was the only one that it had. */
  end(userId: string, audience: string): void;
  /** Records a presence event that a socket has received. */
  tell(watcher: Membership, event: string, payload: unknown): void;
  /** What a user was, and when, for who looks for the cause. */
  history(userId: string): string;
  /** What was told wrongly, and what these sockets, which are still connected, should have been told. */
  wronglyTold(watchers: readonly Membership[]): readonly WronglyTold[];
}

interface Change {
  readonly at: number;
  readonly status: Status;
}

interface End {
  /** The organisation, which is told. */
  readonly audience: string;
  readonly at: number;
  readonly before: Status;
}

const STATUS_OF: Readonly<Record<string, Status>> = {
  "presence:user:online": "online",
  "presence:user:offline": "offline",
};

/** An empty record of presence. */
export function createPresenceLedger(now: () => number): PresenceLedger {
  const histories = new Map<string, Change[]>();
  const ends = new Map<string, End>();
  const told = new Map<Membership, Told[]>();

  const historyOf = (userId: string): Change[] => {
    const history = histories.get(userId) ?? [];
    histories.set(userId, history);
    return history;
  };
  /** Takes back what was expected to happen from now on. */
  const forgetFuture = (history: Change[]): void => {
    while (Number(history.at(-1)?.at) > now()) history.pop();
  };
  const statusAt = (userId: string, at: number): Status =>
    historyOf(userId).findLast((change) => change.at <= at)?.status ?? "unknown";
  const change = (userId: string, status: Status): void => {
    const history = historyOf(userId);
    forgetFuture(history);
    history.push({ at: now(), status });
  };

  const toldTooEarly = (): readonly WronglyTold[] =>
    [...told].flatMap(([{ userId: watcher }, all]) =>
      all
        .filter(
          ({ userId, status, at }) => status === "offline" && statusAt(userId, at) === "online",
        )
        .map(({ userId, at }) => ({
          watcher,
          userId,
          reason: "told that one has gone who has not",
          at,
        })),
    );

  const notTold = (watcher: Membership): readonly WronglyTold[] =>
    [...ends]
      .filter(([userId, { audience, at, before }]) => {
        if (userId === watcher.userId || watcher.since > at) return false;
        if (audience !== watcher.audience) return false;
        const last = told.get(watcher)?.findLast((one) => one.userId === userId)?.status;
        return (last ?? before) === "online";
      })
      .map(([userId, { at }]) => ({
        ...{ watcher: watcher.userId, userId, reason: "not told that one has gone", at },
      }));

  return {
    change,

    lose: (userId) => void historyOf(userId).push({ at: now() + SURE_GRACE, status: "unknown" }),

    // One that was away for longer was perhaps told to be offline: that stays unknown until it says something.
    comeBack: (userId) => forgetFuture(historyOf(userId)),

    end(userId, audience) {
      ends.set(userId, { audience, at: now(), before: statusAt(userId, now()) });
      change(userId, "offline");
    },

    tell(watcher, event, payload) {
      const status = STATUS_OF[event];
      if (status === undefined) return;
      const { userId, timestamp } = payload as { userId: string; timestamp: string };
      const all = told.get(watcher) ?? [];
      told.set(watcher, all);
      all.push({ userId, status, at: Date.parse(timestamp) });
    },

    history: (userId) =>
      historyOf(userId)
        .map(({ at, status }) => `${status} from ${new Date(at).toISOString()}`)
        .join(", "),

    wronglyTold: (watchers) => [...toldTooEarly(), ...watchers.flatMap(notTold)],
  };
}
