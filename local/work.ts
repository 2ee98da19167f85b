/** What goes on in the stack: frames on their way to functions, and invocations. */
export interface Work {
  track<Result>(work: Promise<Result>): Promise<Result>;
  /** Resolves once nothing runs and nothing is queued. */
  idle(): Promise<void>;
}

/** Nothing goes on yet. */
export function createWork(): Work {
  const underWay = new Set<Promise<unknown>>();
  return {
    track(work) {
      underWay.add(work);
      return work.finally(() => underWay.delete(work));
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
