/** List prices in dollars, us-east-1, as published in 2026; a million of each unless said otherwise. */
export const PRICES = {
  message: 1,
  connectionMinute: 0.25,
  invocation: 0.2,
  gigabyteSecond: 0.0000133334,
  readUnit: 0.125,
  writeUnit: 0.625,
} as const;
