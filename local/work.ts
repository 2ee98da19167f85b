/** The pending work of the stack: frames on their way to functions, and invocations. */
export interface Work {
  track<Result>(work: Promise<Result>): Promise<Result>;
  /** Resolves once nothing runs and nothing is queued. */
  idle(): Promise<void>;
}

/** Tracks pending work. */
export function createWork(): Work {
  const pending = new Set<Promise<unknown>>();
  return {
    track(work) {
      pending.add(work);
      return work.finally(() => pending.delete(work));
    },
    async idle() {
      while (pending.size > 0) await Promise.allSettled(pending);
    },
  };
}
