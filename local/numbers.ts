/** The number of a flag; throws one sentence if it is not a number, or out of bounds. */
export function numberIn(flag: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (value === "" || !(number >= min && number <= max))
    throw new Error(
      `${flag} must be a number from ${min} to ${max}, not ${JSON.stringify(value)}.`,
    );
  return number;
}
