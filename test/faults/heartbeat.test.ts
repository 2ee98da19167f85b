import { afterAll, afterEach, describe, expect, inject, test } from "vitest";
import { randomFrom } from "../../local/random.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"), { shards: 16 });
afterAll(() => world.stop());
afterEach(() => world.clearTable());

const MINUTE = 60_000;
const PING_INTERVAL = 4 * MINUTE;
const START = Math.ceil(Date.now() / MINUTE) * MINUTE;

/** Connects this many clients at the start, by default more than there are shards. */
async function audience(count = 48): Promise<readonly string[]> {
  await world.heartbeat(START, START);
  return Promise.all(Array.from({ length: count }, (_, n) => world.connect(`u${n}`, "acme")));
}

const pingsOf = (connectionId: string) =>
  world.framesOf(connectionId).filter((frame) => frame === "2").length;

/** Runs the heartbeat of one minute with this delay; returns who was pinged, and lets them pong. */
async function pingedFor(minute: number, delay: number, ids: readonly string[]) {
  const before = ids.map(pingsOf);
  await world.heartbeat(START + minute * MINUTE, START + minute * MINUTE + delay);
  const pinged = ids.filter((id, index) => pingsOf(id) > (before[index] ?? 0));
  await Promise.all(pinged.map((id) => world.send(id, "3")));
  return pinged;
}

/** Milliseconds that a function takes to start. */
const START_TIME = 1500;

describe("the heartbeat", () => {
  const random = randomFrom(7);

  test.each([
    ["at once", () => 0],
    ["at the end of its minute or at once, by turns", (minute: number) => (minute % 2) * 59_999],
    ["at the end of every other round", (minute: number) => (minute % 8 < 4 ? 59_999 : 0)],
    ["at any time in its minute", () => random() * MINUTE],
  ])(
    "that runs %s pings everybody for an hour, never more than a minute late, and skips no round",
    async (_, jitterOf) => {
      const ids = await audience();
      const pings = new Map(ids.map((id) => [id, [0]]));

      for (let minute = 1; minute <= 60; minute += 1) {
        const delay = jitterOf(minute) + START_TIME;
        for (const id of await pingedFor(minute, delay, ids))
          pings.get(id)?.push(minute * MINUTE + delay);
      }

      for (const times of pings.values()) {
        expect(times).toHaveLength(16);
        const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(PING_INTERVAL + MINUTE + START_TIME);
      }
      expect(ids.every(world.isConnected)).toBe(true);
    },
  );

  test("that is retried a minute later repeats its shards, and no others", async () => {
    const ids = await audience();

    const first = await pingedFor(1, 500, ids);
    const again = await pingedFor(1, MINUTE + 500, ids);
    const next = await pingedFor(2, MINUTE - 1, ids);

    expect(again).toEqual(first);
    expect(next.filter((id) => first.includes(id))).toEqual([]);
  });

  test("closes connections without a pong for two rounds, but not for one round and a late ping", async () => {
    const ids = await audience(4);
    const round = async (number: number, delay: number, answering: readonly string[]) => {
      for (let minute = 4 * number + 1; minute <= 4 * number + 4; minute += 1)
        await pingedFor(minute, delay, answering);
    };

    await round(0, 0, ids);
    await round(1, 0, []);
    await round(2, MINUTE + START_TIME, []);
    expect(ids.every(world.isConnected)).toBe(true);
    await round(3, MINUTE + START_TIME, []);

    expect(ids.some(world.isConnected)).toBe(false);
  });
});
