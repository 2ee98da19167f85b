import QuickLRU from "quick-lru";
import type { RateLimit } from "#server/model/rate.ts";
import type { RateLimits } from "./adapter.ts";
import { type Key, rateLimitKey } from "./keys.ts";
import type { Storage } from "./table.ts";

/** Seconds after which an empty bucket is full again: so many seconds' worth of tokens fit into it. */
const SECONDS_TO_FILL = 10;

/** A function writes down what was taken in batches: so many of them empty a bucket. */
const BATCHES = 20;

/** Refusals, for each token there is, after which somebody keeps on at ten times the limit. */
const REFUSALS = 9;

/** Seconds for which a bucket is kept: longer than any can be overdrawn for. */
const LIFETIME = 3600;

/** Buckets a warm function remembers. */
const REMEMBERED = 10_000;

/** A bucket as one function knows it. */
interface Known {
  /** When it will be full again if nobody takes any more, in epoch milliseconds. */
  fullAt: number;
  /** Tokens taken here that are not written down. */
  taken: number;
  /** Tokens that are being written down: one POST brings many events at once. */
  flushing: number;
}

/**
 * The buckets in the table. One that is full needs no item: `fullAt` is all there is to know of it, and
 * TTL takes it away later. Each function counts what it lets through and writes it down in batches,
 * so a bucket may be overdrawn by a batch for each function at work, once; over time
 * nothing is missed. A batch costs one write, or two where the bucket fills up or runs low between
 * them. Whom a function knows to have no token is refused without any.
 */
export function createRateLimits({ table, now }: Storage): RateLimits {
  const expiry = () => Math.ceil(now() / 1000) + LIFETIME;
  const remembered = new QuickLRU<string, Known>({ maxSize: REMEMBERED });

  return {
    async take(bucket) {
      if (bucket.perSecond === 0) return undefined;
      const retryAfterMs = await drain(bucket);
      if (retryAfterMs === 0) return undefined;
      const refusals = { kind: `${bucket.kind} refused`, perSecond: bucket.perSecond * REFUSALS };
      return { retryAfterMs, isFlood: (await drain({ ...bucket, ...refusals })) > 0 };
    },
  };

  /** Takes a token; gives 0, or the milliseconds until there is one. */
  async function drain({ kind, owner, perSecond }: RateLimit): Promise<number> {
    const key = rateLimitKey(kind, owner);
    const known = remembered.get(key.pk) ?? { fullAt: 0, taken: 0, flushing: 0 };
    remembered.set(key.pk, known);
    const flushing = (known.flushing * 1000) / perSecond;
    const wait = Math.max(known.fullAt - now(), 0) + flushing - SECONDS_TO_FILL * 1000;
    if (wait > 0) return Math.ceil(wait);

    known.taken += 1;
    const batch = Math.max(1, Math.floor((perSecond * SECONDS_TO_FILL) / BATCHES));
    if (known.taken >= batch) await flush(key, known, perSecond);
    return 0;
  }

  async function flush(key: Key, known: Known, perSecond: number): Promise<void> {
    const { taken } = known;
    known.taken = 0;
    known.flushing += taken;
    try {
      await write(key, known, (taken * 1000) / perSecond);
    } finally {
      known.flushing -= taken;
    }
  }

  async function write(key: Key, known: Known, milliseconds: number): Promise<void> {
    const steps = [addTo, startOver];
    for (const step of known.fullAt > now() ? steps : steps.toReversed()) {
      const fullAt = await step(key, milliseconds);
      if (fullAt === undefined) continue;
      // Of several at once, the answers may come in another order.
      known.fullAt = Math.max(known.fullAt, fullAt);
      return;
    }
  }

  async function addTo(key: Key, milliseconds: number): Promise<number | undefined> {
    const changed = await table.update(key, {
      update: "SET fullAt = fullAt + :milliseconds, expiresAt = :expiry",
      condition: "fullAt > :now",
      values: {
        ":milliseconds": milliseconds,
        ":now": now(),
        ":expiry": expiry(),
      },
      returns: "UPDATED_NEW",
    });
    return changed && Number(changed.fullAt);
  }

  async function startOver(key: Key, milliseconds: number): Promise<number | undefined> {
    const fullAt = now() + milliseconds;
    const changed = await table.update(key, {
      update: "SET fullAt = :fullAt, expiresAt = :expiry",
      condition: "attribute_not_exists(pk) OR fullAt <= :now",
      values: { ":fullAt": fullAt, ":now": now(), ":expiry": expiry() },
    });
    return changed && fullAt;
  }
}
