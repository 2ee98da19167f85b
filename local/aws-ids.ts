import { randomBytes, randomInt } from "node:crypto";

/** The sixth character of an id, by what the id is for. */
const KINDS = { connection: "c", message: "d", request: "e" } as const;
export type IdKind = keyof typeof KINDS;

/** Mints ids as API Gateway does. */
export type MintId = (kind: IdKind) => string;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STEP_MILLISECONDS = 100;
/** The counter starts again after 621 days. */
const STEPS = 2 ** 29;
const RANDOM_VALUES = DIGITS.length ** 2;

/**
 * Ids like `L0SM9cOFvHcCIhw=`: five base64url characters that count steps of 100 ms, one of the kind,
 * two random ones, and those of region and host, which are the same for all. No id is minted twice.
 */
export function createAwsIds(now: () => number = Date.now): MintId {
  // Eight characters whose last stands for four bits of its six, as in the base64 of eleven bytes.
  const host = `${randomBytes(5).toString("base64url")}=`;
  let step = 0;
  let minted = new Set<string>();

  return (kind) => {
    const clock = Math.floor(now() / STEP_MILLISECONDS);
    // When the random characters of a step are used up, the next step begins early.
    if (clock > step || minted.size === RANDOM_VALUES) {
      step = Math.max(clock, step + 1);
      minted = new Set();
    }
    let random: string;
    do random = digitsOf(randomInt(RANDOM_VALUES), 2);
    while (minted.has(random));
    minted.add(random);
    return `${digitsOf(step % STEPS, 5)}${KINDS[kind]}${random}${host}`;
  };
}

const digitsOf = (value: number, length: number): string =>
  Array.from({ length }, (_, index) =>
    DIGITS.charAt(Math.floor(value / DIGITS.length ** (length - 1 - index)) % DIGITS.length),
  ).join("");
