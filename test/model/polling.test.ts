import { describe, expect, test } from "vitest";
import type { Part } from "./polling/parts.ts";
import { type Scenario, tryAll } from "./polling/scenarios.ts";

const POLLED: readonly Scenario[] = [
  { broadcasts: "a b", gets: 2, checks: 2 },
  { broadcasts: "ab c", gets: 2 },
  { broadcasts: "ab", gets: 3 },
  { broadcasts: "ab c", gets: 3, options: { maxSent: 1 } },
];

const UNSURE: readonly Scenario[] = [
  { broadcasts: "a b", gets: 2, repeated: [1] },
  { broadcasts: "ab", gets: 2, repeated: [2] },
  { broadcasts: "ab", gets: 2, repeated: [1], deaths: 1 },
  { broadcasts: "ab", gets: 2, isCut: true },
  { broadcasts: "ab", gets: 2, lost: 1 },
  { broadcasts: "ab", gets: 2, late: 1 },
  { broadcasts: "ab", gets: 2, repeated: [1], options: { maxSent: 1 } },
  { broadcasts: "ab", gets: 2, repeated: [1], deaths: 1, options: { maxSent: 1 } },
  { broadcasts: "ab", gets: 2, lost: 1, options: { maxSent: 1 } },
  { broadcasts: "ab", gets: 2, late: 1, options: { maxSent: 1 } },
];

const UPGRADED: readonly Scenario[] = [
  { broadcasts: "ab c", gets: 1, upgrades: true },
  { broadcasts: "ab", gets: 2, upgrades: true },
  { broadcasts: "ab", gets: 1, repeated: [1], upgrades: true },
  { broadcasts: "ab", upgrades: true },
  { broadcasts: "ab c", upgrades: true, twice: true },
  { broadcasts: "ab", gets: 1, upgrades: true, deaths: 1 },
  { broadcasts: "abc", upgrades: true, deaths: 1 },
  { broadcasts: "ab", gets: 1, upgrades: true, isCut: true },
  { broadcasts: "ab", gets: 2, upgrades: true, givesUp: true },
  { broadcasts: "ab c", upgrades: true, lost: 1 },
  { broadcasts: "ab c", upgrades: true, late: 1 },
  { broadcasts: "ab c", gets: 1, upgrades: true, options: { maxSent: 1 } },
];

const ENDED: readonly Scenario[] = [
  { broadcasts: "ab", gets: 2, isClosed: true },
  { broadcasts: "ab", gets: 3, isClosed: true, options: { maxSent: 1 } },
  { broadcasts: "ab", gets: 1, upgrades: true, isClosed: true },
  { broadcasts: "a", upgrades: true, isClosed: true, lost: 1 },
  { broadcasts: "ab c", gets: 1, options: { maxPackets: 1 } },
  { broadcasts: "abc", gets: 1, options: { maxBytes: 2 } },
];

const titled = (scenarios: readonly Scenario[]) =>
  scenarios.map((scenario) => ({
    title: Object.entries(scenario)
      .map(([name, value]) => (name === "broadcasts" ? value : `${name} ${JSON.stringify(value)}`))
      .join(", "),
    scenario,
  }));

describe.each([
  ["a client that polls gets every packet once, in order", POLLED],
  ["whatever is repeated, lost or late", UNSURE],
  ["while it upgrades", UPGRADED],
  ["until its end", ENDED],
])("%s", (_, scenarios) => {
  test.each(titled(scenarios))(
    "in every order of $title",
    { timeout: 600_000 },
    async ({ scenario }) => {
      // Whoever is closed because too much waits never gets it all.
      const { maxPackets, maxBytes } = scenario.options ?? {};
      const isWhole = maxPackets === undefined && maxBytes === undefined;

      expect(await tryAll(scenario)).toEqual({ states: expect.any(Number), isWhole });
    },
  );
});

const ABLATIONS: readonly (readonly [Part, string, Scenario])[] = [
  ["open", "after the last packet", { broadcasts: "ab", gets: 2, isClosed: true }],
  ["maxPackets", "more waits", { broadcasts: "abc", options: { maxPackets: 2 } }],
  ["maxBytes", "more waits", { broadcasts: "abc", options: { maxBytes: 2 } }],
  ["id", "twice", { broadcasts: "a", gets: 1, lost: 1 }],
  ["sentId", "twice", { broadcasts: "ab", gets: 2, lost: 1 }],
  ["begun", "twice", { broadcasts: "ab", gets: 2, lost: 1 }],
  ["otherKey", "lost", { broadcasts: "ab", gets: 2, repeated: [1] }],
  ["newest", "lost", { broadcasts: "ab", gets: 2, repeated: [1] }],
  ["token", "lost", { broadcasts: "ab", gets: 2, repeated: [1] }],
  ["nothingTaken", "a gap", { broadcasts: "ab", gets: 1, lost: 1 }],
  ["limitToken", "lost", { broadcasts: "abc", gets: 2, repeated: [1], options: { maxSent: 1 } }],
  ["limitCount", "twice", { broadcasts: "ab", gets: 3, late: 1, options: { maxSent: 1 } }],
  ["upgradeState", "no order", { broadcasts: "ab c", upgrades: true, twice: true }],
  ["empty", "a gap", { broadcasts: "ab", upgrades: true }],
  ["emptyAfterFlush", "a gap", { broadcasts: "ab c", upgrades: true }],
  ["roundOfChange", "no order", { broadcasts: "abc", upgrades: true, late: 1 }],
  ["round", "lost", { broadcasts: "abc", upgrades: true, late: 1 }],
];

test.each(ABLATIONS)("without %s there is %s", async (part, problem, scenario) => {
  const { problem: found = "nothing", run } = await tryAll(scenario, [part]);

  expect(found, run?.join("; ")).toContain(problem);
});
