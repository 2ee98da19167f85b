import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDueForRotation, ROTATION } from "../../lambdas/server/model/rotation.ts";
import { randomFrom } from "../../local/random.ts";

const MINUTE = 60_000;
/** Every number of minutes that `pingInterval` may have. */
const INTERVALS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Ids that differ in a few characters, as those of connections of one moment do. */
const idOf = (number: number): string => `L0SM9c${number}`;

/** The scheduled times at which a connection is visited in its first two hours, by a turn of its own. */
const visitsOf = (connectedAt: number, minutes: number, turn: number): readonly number[] =>
  Array.from({ length: 121 }, (_, minute) => Math.ceil(connectedAt / MINUTE) + minute)
    .filter((minute) => minute % minutes === turn % minutes)
    .map((minute) => minute * MINUTE);

describe("a connection", () => {
  const visited = fc.record({
    connectionId: fc.string({ minLength: 1 }),
    connectedAt: fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
    minutes: fc.constantFrom(...INTERVALS),
    turn: fc.nat(7),
    delay: fc.nat(MINUTE - 1),
  });

  test("is due at a visit between both ages, even one that is up to a minute late", () => {
    fc.assert(
      fc.property(visited, ({ minutes, turn, delay, ...connection }) => {
        const visits = visitsOf(connection.connectedAt, minutes, turn);
        const first = visits.find((time) => isDueForRotation(connection, time, minutes)) ?? 0;
        const age = first - connection.connectedAt;

        expect(age).toBeGreaterThanOrEqual(ROTATION.minAge);
        expect(age + delay).toBeLessThanOrEqual(ROTATION.maxAge);
      }),
      { numRuns: 2000 },
    );
  });

  test("stays due once it is, so that a close that failed is repeated", () => {
    fc.assert(
      fc.property(visited, ({ minutes, turn, ...connection }) => {
        const visits = visitsOf(connection.connectedAt, minutes, turn);
        const due = visits.map((time) => isDueForRotation(connection, time, minutes));

        expect(due.slice(due.indexOf(true))).not.toContain(false);
      }),
    );
  });

  test.each(INTERVALS)(
    "is as likely to be closed at one visit as at another, with a visit every %i minutes",
    (minutes) => {
      const visits = visitsOf(0, minutes, 0);
      const closed = Array.from({ length: 10_000 }, (_, number) => {
        const connection = { connectionId: idOf(number), connectedAt: 0 };
        return visits.find((time) => isDueForRotation(connection, time, minutes));
      });
      // The last minute is for the delay of a visit.
      const possible = visits.filter((time) => time >= ROTATION.minAge && time < ROTATION.maxAge);

      expect(new Set(closed)).toEqual(new Set(possible));
      for (const time of possible) {
        const share = closed.filter((one) => one === time).length / closed.length;
        expect(share * possible.length).toBeGreaterThan(0.85);
        expect(share * possible.length).toBeLessThan(1.15);
      }
    },
  );
});

describe("connections that were opened within one minute", () => {
  const CONNECTIONS = 10_000;
  const HOURS = 6;
  /** The default of the limit `shards`: each has its turn every so many minutes. */
  const SHARDS = 16;
  /** How many come back in a minute of the first rotation, on average. */
  const MEAN = (CONNECTIONS * MINUTE) / (ROTATION.maxAge - ROTATION.minAge);

  /** How many connections are opened in each minute, where each that the heartbeat closes is replaced at once. */
  function openedPerMinute(minutes: number): readonly number[] {
    const random = randomFrom(minutes);
    const opened = new Array<number>(HOURS * 60).fill(0);
    let count = 0;
    const open = (connectedAt: number) => {
      count += 1;
      const minute = Math.floor(connectedAt / MINUTE);
      opened[minute] = (opened[minute] ?? 0) + 1;
      const shard = Math.floor(random() * SHARDS);
      return { connectionId: idOf(count), connectedAt, shard };
    };
    let connections = Array.from({ length: CONNECTIONS }, () => open(random() * MINUTE));
    for (let minute = 1; minute < HOURS * 60; minute += 1) {
      const now = (minute + random()) * MINUTE;
      connections = connections.map((connection) =>
        connection.shard % minutes === minute % minutes &&
        isDueForRotation(connection, minute * MINUTE, minutes)
          ? open(now)
          : connection,
      );
    }
    return opened;
  }

  test.each(INTERVALS)(
    "come back at no more than twice the mean of their first rotation in any minute of six hours, with a visit every %i minutes",
    (minutes) => {
      const [first, ...later] = openedPerMinute(minutes);

      expect(first).toBe(CONNECTIONS);
      expect(Math.max(...later)).toBeLessThanOrEqual(2 * MEAN);
    },
  );

  test.each(INTERVALS)(
    "are spread further by their third rotation, with a visit every %i minutes",
    (minutes) => {
      const opened = openedPerMinute(minutes);
      const peakOf = (rotation: number) =>
        Math.max(
          ...opened.slice(
            (rotation * ROTATION.minAge) / MINUTE,
            Math.ceil((rotation * ROTATION.maxAge) / MINUTE) + 1,
          ),
        );

      expect(peakOf(3)).toBeLessThan(0.9 * peakOf(1));
    },
  );
});
