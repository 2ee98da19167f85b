import type { Random } from "./random.ts";

/** Share of the cuts after which `$disconnect` is never called, where a run sets none for all connections. */
const LOST_SHARE = 1 / 3;

/**
 * How a connection is cut: `unnoticed` destroys its socket and loses its `$disconnect`, `abrupt` only
 * destroys its socket, and `closing` sends a close frame, as API Gateway does after two hours.
 */
export type CutKind = "unnoticed" | "abrupt" | "closing";

/** When and how a connection is cut. */
export interface Cut {
  /** Milliseconds after the upgrade. */
  readonly age: number;
  readonly kind: CutKind;
}

/** A cut at an age from half of the mean to one and a half times it, in milliseconds. */
export function drawCut(mean: number, lostShare: number | undefined, random: Random): Cut {
  const age = mean * (0.5 + random());
  if (random() < (lostShare ?? LOST_SHARE)) return { age, kind: "unnoticed" };
  return { age, kind: random() < 0.5 ? "abrupt" : "closing" };
}
