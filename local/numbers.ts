/** The number given for a flag; throws one sentence where it is none, or out of bounds. */
export function numberIn(flag: string, given: string, least: number, most: number): number {
  const value = Number(given);
  if (given === "" || !(value >= least && value <= most))
    throw new Error(
      `${flag} takes a number from ${least} to ${most}, not ${JSON.stringify(given)}.`,
    );
  return value;
}
