import type { IncomingMessage } from "node:http";
import type { Random } from "./random.ts";

/** A timer of more milliseconds would fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** Cuts of a running stack. */
export interface Cuts {
  /** Milliseconds after which a connection is cut, on average; it may change while the stack runs. */
  cutEvery: number | undefined;
  /** The cut of a WebSocket. */
  draw(): Cut | undefined;
  /** Cuts a request that takes longer than what is drawn for it; what is returned ends that. */
  watch(request: IncomingMessage): () => void;
}

export interface CutsParts {
  readonly cutEvery: number | undefined;
  readonly loseDisconnects: number | undefined;
  readonly random: Random;
}

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

/** Cuts connections at random ages, if there is an average. */
export function createCuts({ cutEvery, loseDisconnects, random }: CutsParts): Cuts {
  return {
    cutEvery,
    draw() {
      return this.cutEvery === undefined
        ? undefined
        : drawCut(this.cutEvery, loseDisconnects, random);
    },
    watch({ socket }) {
      if (this.cutEvery === undefined) return () => undefined;
      // A client that polls has one request after another, so that none may depend on how long they took before.
      const age = -Math.log(1 - random()) * this.cutEvery;
      const timer = setTimeout(() => socket.destroy(), Math.min(age, MAX_TIMER));
      return () => clearTimeout(timer);
    },
  };
}
