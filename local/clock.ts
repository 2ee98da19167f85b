/** The time as the stack and its functions know it. */
export interface Clock {
  readonly now: () => number;
  /** By how many milliseconds it is ahead; shared with the threads of functions. */
  readonly ahead: Float64Array;
  /** Moves it forward to a time. */
  moveTo(time: number): void;
}

/** A clock that goes with this machine's until it is moved. */
export function createClock(): Clock {
  const ahead = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  const now = () => Date.now() + (ahead[0] ?? 0);
  return {
    ...{ now, ahead },
    moveTo(time) {
      ahead[0] = (ahead[0] ?? 0) + Math.max(0, time - now());
    },
  };
}
