import { setImmediate as turn } from "node:timers/promises";

/** Turns of the event loop after which a function that was answered has made its next calls. */
const TURNS = 20;

/** Rounds of calls before the first post of some work, or in all if it posts nothing; `reads` are those with a read. */
export interface Rounds {
  readonly calls: number;
  readonly reads: number;
}

/** Answers calls in rounds: none is answered before all that were made meanwhile can be. */
export interface RoundTrips {
  /** A call, whose answer waits for the others of its round while they are counted. */
  take<Result>(isRead: boolean, call: () => Promise<Result>): Promise<Result>;
  /** Notes a post. */
  posted(): void;
  count(work: () => Promise<unknown>): Promise<Rounds>;
}

/** Counts nothing until it is asked to. */
export function createRoundTrips(): RoundTrips {
  let isCounting = false;
  let underWay = 0;
  let rounds: Rounds = { calls: 0, reads: 0 };
  let beforePost: Rounds | undefined;
  let hasRead = false;
  const waiting: (() => void)[] = [];

  /** Answers everything that waits, once nothing else is under way. */
  async function release(): Promise<void> {
    for (let turns = 0; turns < TURNS; turns += 1) await turn();
    if (underWay > 0 || waiting.length === 0) return;
    rounds = { calls: rounds.calls + 1, reads: rounds.reads + (hasRead ? 1 : 0) };
    hasRead = false;
    for (const answer of waiting.splice(0)) answer();
  }

  return {
    async take(isRead, call) {
      if (!isCounting) return call();
      underWay += 1;
      hasRead ||= isRead;
      try {
        return await call();
      } finally {
        underWay -= 1;
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          void release();
        });
      }
    },
    posted() {
      beforePost ??= rounds;
    },
    async count(work) {
      [isCounting, rounds, beforePost, hasRead] = [true, { calls: 0, reads: 0 }, undefined, false];
      await work();
      isCounting = false;
      return beforePost ?? rounds;
    },
  };
}
