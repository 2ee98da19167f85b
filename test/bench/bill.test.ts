import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { billOf, type Counted, dollarsOf, monthOf } from "../../bench/cost/bill.ts";
import { PEERS } from "../../bench/support/prices.ts";
import { PRICES, PRICES_DATE } from "../../lib/prices.ts";
import { type Usage, usageOf } from "../../local/usage.ts";

const used = (some: Partial<Usage>): Usage => usageOf((name) => some[name] ?? 0);

const nothing: Counted = {
  ...{ pings: used({}), pingMinutes: 4, rotation: used({}), events: used({}), seconds: 60 },
  standing: {
    ...{ metrics: 0, alarmMetrics: 0, dashboards: 0, secrets: 0, schedules: 0 },
    ...{ storedBytes: 0, addedBytes: 0 },
  },
};
const dollarsOfRun = (some: Partial<Counted>) => dollarsOf(billOf({ ...nothing, ...some }).lines);

/** The minutes of a month. */
const MINUTES = 43_800;

describe("a month", () => {
  test("has what is sent in a minute as often as it has minutes, and that of five seconds twelve times as often", () => {
    const events = used({ messages: 10 });

    expect(monthOf({ ...nothing, events }).events.messages).toBeCloseTo(10 * MINUTES);
    expect(monthOf({ ...nothing, events, seconds: 5 }).events.messages).toBeCloseTo(120 * MINUTES);
  });

  test("has a round of pings each four minutes, and a rotation each hour and three quarters", () => {
    const pings = used({ messages: 2000 });
    const rotation = used({ writeUnits: 7 });

    const { connections } = monthOf({ ...nothing, pings, rotation });

    expect(connections.messages).toBeCloseTo(2000 * (MINUTES / 4));
    expect(connections.writeUnits).toBeCloseTo(7 * (MINUTES / 105));
  });

  test("counts connection minutes only while events are sent, and bills them to connections", () => {
    const minute = used({ connectionMinutes: 1000 });

    const month = monthOf({ ...nothing, pings: minute, rotation: minute, events: minute });

    expect(month.connections.connectionMinutes).toBeCloseTo(1000 * MINUTES);
    expect(month.events.connectionMinutes).toBe(0);
  });
});

describe("a bill", () => {
  test.each([
    [{ messages: 1_000_000 }, PRICES.message],
    [{ connectionMinutes: 1_000_000 }, PRICES.connectionMinute],
    [{ httpRequests: 1_000_000 }, PRICES.httpRequest],
    [{ invocations: 1_000_000 }, PRICES.invocation],
    [{ gigabyteSeconds: 1 }, PRICES.gigabyteSecond],
    [{ writeUnits: 1_000_000 }, PRICES.writeUnit],
    [{ readUnits: 1_000_000 }, PRICES.readUnit],
    [{ edgeRequests: 1_000_000 }, PRICES.edgeRequest + PRICES.edgeFunction],
    [{ edgeBytesOut: 1e9 }, PRICES.edgeGigabyteOut],
    [{ edgeBytesIn: 1e9 }, PRICES.edgeGigabyteIn],
    [{ logBytes: 1e9 }, PRICES.logGigabyte],
    [{ busEvents: 1_000_000 }, PRICES.busEvent],
  ])("of %j costs its price", (some, dollars) => {
    expect(dollarsOfRun({ events: used(some), seconds: MINUTES * 60 })).toBeCloseTo(dollars, 9);
  });

  test("stores what there is for the whole month, and half of what is added, in the table and its backup", () => {
    const standing = { ...nothing.standing, storedBytes: 1e9, addedBytes: 2e9 };

    expect(dollarsOfRun({ standing, seconds: MINUTES * 60 })).toBeCloseTo(
      2 * (PRICES.storedGigabyte + PRICES.backedUpGigabyte),
    );
  });

  test("has what is paid whether anybody connects or not", () => {
    const some = { metrics: 20, alarmMetrics: 30, dashboards: 1, secrets: 1, schedules: 1 };

    expect(dollarsOfRun({ standing: { ...nothing.standing, ...some } })).toBeCloseTo(
      20 * 0.3 + 30 * 0.1 + 3 + 0.4 + 0.0438,
    );
  });

  test("is the sum of its parts, by line and by cause, and has no line of nothing", () => {
    const counted = {
      ...nothing,
      ...{ pings: used({ messages: 100 }), rotation: used({ readUnits: 50 }) },
      events: used({ messages: 30, writeUnits: 20, connectionMinutes: 3 }),
      standing: { ...nothing.standing, secrets: 1 },
    };

    const { lines, connections, events, standing } = billOf(counted);

    expect(dollarsOf(lines)).toBeCloseTo(connections + events + standing, 9);
    expect(lines.map(({ name }) => name.split(":")[0])).toEqual([
      ...["API Gateway", "API Gateway", "DynamoDB", "DynamoDB", "Secrets Manager"],
    ]);
  });
});

test("other services charge for connections, and for messages beyond what those include", () => {
  const idle = { published: 0, received: 0, connections: 1500, channels: 150 };
  const busy = { published: 100, received: 900, connections: 1500, channels: 150 };
  const charged = (traffic: typeof idle) => PEERS.map((peer) => Math.round(peer.month(traffic)));

  // 1.61 dollars a day for 1,000 connections; 0.08 and 1 a million minutes; 49 for 500 connections.
  expect(charged(idle)).toEqual([98, 5, 101, 147]);
  // 900 million, less a million a day in each of two units; 1,000 million at 1 and at 2.50; 33 plans.
  expect(charged(busy)).toEqual([937, 1005, 2601, 1617]);
});

describe("the bill in docs/performance.md", () => {
  const document = readFileSync("docs/performance.md", "utf8");
  const [, section = ""] = /\n## A month's bill\n(.*?)\n## /s.exec(document) ?? [];

  test("is of the prices in lib/prices.ts", () => {
    const all = used({
      ...{ messages: 1, connectionMinutes: 1, httpRequests: 1, invocations: 1, gigabyteSeconds: 1 },
      ...{ readUnits: 1, writeUnits: 1, edgeRequests: 1, edgeBytesOut: 1, edgeBytesIn: 1 },
      ...{ logBytes: 1, busEvents: 1 },
    });
    const standing = {
      ...nothing.standing,
      metrics: 1,
      alarmMetrics: 1,
      dashboards: 1,
      secrets: 1,
    };
    const { lines } = billOf({
      ...{ ...nothing, events: all },
      standing: { ...standing, schedules: 1, storedBytes: 1 },
    });
    const documented = [...section.matchAll(/^\| (\w[^|]*: [^|]*) \| ([\d.]+) \|/gm)];

    expect(section).toContain(`looked up on ${PRICES_DATE},`);
    expect(documented.length).toBeGreaterThan(10);
    for (const [, name, price] of documented)
      expect(lines).toContainEqual(expect.objectContaining({ name, price: Number(price) }));
  });
});
