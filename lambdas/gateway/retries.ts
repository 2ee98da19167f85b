const FIRST_WAIT = 50;
const LONGEST_WAIT = 2000;

/** Whether what AWS answered may be otherwise in a moment: throttled, or failed on its side. */
export const isPassingStatus = (status = 0): boolean => status === 429 || status >= 500;

/** Milliseconds to wait after so many tries in vain: twice as long each time, with jitter. */
export const waitAfter = (tries: number): number =>
  Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** tries) * Math.random();
