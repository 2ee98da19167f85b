/** The number of a flag; throws one sentence if it is not a number, or out of bounds. */
export function numberIn(flag: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (value === "" || !(number >= min && number <= max))
    throw new Error(
      `${flag} must be a number from ${min} to ${max}, not ${JSON.stringify(value)}.`,
    );
  return number;
}

/** The whole number of a flag; throws one sentence if it is none, or out of bounds. */
export function wholeNumberIn(flag: string, value: string, min: number, max: number): number {
  const number = numberIn(flag, value, min, max);
  if (!Number.isInteger(number))
    throw new Error(`${flag} must be a whole number, not ${JSON.stringify(value)}.`);
  return number;
}

/** The milliseconds of a flag in seconds; throws one sentence if these are not a positive number. */
export function millisecondsIn(flag: string, value: string): number {
  const seconds = Number(value);
  if (!(seconds > 0 && Number.isFinite(seconds)))
    throw new Error(`${flag} must be a positive number of seconds, not ${JSON.stringify(value)}.`);
  return seconds * 1000;
}
