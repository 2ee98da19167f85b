import { describe, expect, test } from "vitest";
import type { Part } from "./ledger/calls.ts";
import { type PresenceScenario, type Rule, tryPresence } from "./ledger/presence.ts";
import { type Scenario, tryAll } from "./ledger/scenarios.ts";

/** `MODEL=large` tries the orders that take minutes. */
const isLarge = process.env.MODEL === "large";

const LAST_WORD: readonly Scenario[] = [
  { commands: "J5 L10" },
  { commands: "L5 J10" },
  { commands: "J5 L5" },
  { commands: "J5 J10" },
  { commands: "J5 L10 J15" },
  { commands: "L5 J10 L15" },
  { commands: "J5 J5 L10 L10" },
  { commands: "Ja5 La10 Jb5" },
  { commands: "J5 L10", lost: 2 },
  { commands: "J5 L10", late: 1 },
  { commands: "J5 L10 J15", lost: 1 },
];

const RECOVERED: readonly Scenario[] = [
  { commands: "J5", besides: "return20" },
  { commands: "L10", besides: "return20" },
  { commands: "J5 L10", besides: "return20" },
  { commands: "J5 L10", besides: "detach1 return20" },
  { commands: "J5", besides: "detach1 return20", late: 1 },
  { commands: "J5", besides: "detach1 return20", lost: 1 },
  { commands: "J5 L10", besides: "return20", lost: 1 },
  { commands: "J5", besides: "return20 return30 detach20" },
  { commands: "Q5x Q10y", besides: "return20" },
];

const ENDED: readonly Scenario[] = [
  { commands: "J5", besides: "end cleanup", deaths: 2 },
  { commands: "J5 L10", besides: "end cleanup", deaths: 2 },
  { commands: "J5", besides: "end cleanup", lost: 1, late: 1 },
  { commands: "J5", besides: "return20 end cleanup", deaths: 1 },
  { commands: "J5", besides: "detach1 return20 end cleanup" },
  { commands: "J5", besides: "return20 disconnect1" },
  { commands: "Q5x Q10y", besides: "end cleanup", deaths: 1 },
];

const PURGED: readonly Scenario[] = [
  { commands: "J5 L10 J15", besides: "purge10" },
  { commands: "J5 L10", besides: "purge10 end cleanup", deaths: 1 },
  { commands: "J5 L10", besides: "return20 purge10" },
  { commands: "J5", besides: "return20 purge10 end cleanup" },
];

const LIMITED: readonly Scenario[] = [
  { commands: "Ja1 Jb2 Jc3", limits: { max: 2, churn: 2 } },
  { commands: "Ja1 La4 Jb2 Jc3", limits: { max: 1, churn: 2 } },
  { commands: "La1 Lb2 Lc3 Jd4", limits: { max: 2, churn: 2 } },
  { commands: "Ja1 La5 Jb2 Lb6", limits: { max: 2, churn: 1 } },
];

const MORE: readonly Scenario[] = [
  { commands: "J5 L10 J15 L20" },
  { commands: "J5 L10 L10 J15", late: 1 },
  { commands: "J5 L10 J15", besides: "return20" },
  { commands: "J5 L10", besides: "detach1 return20", late: 1 },
  { commands: "J5 L10", besides: "return20 end cleanup", deaths: 1 },
  { commands: "J5 L10", besides: "return20 purge10 end cleanup" },
  { commands: "Q5x Q10y Q15x" },
  { commands: "Q5x Q10y", besides: "detach1 return20" },
];

const LARGE: readonly Scenario[] = [
  { commands: "J5 L10", besides: "detach1 return20 detach20 return30" },
  { commands: "J5 L10", besides: "return20 return30 end cleanup" },
  { commands: "J5 L10 J15", besides: "detach1 return20" },
  { commands: "J5 L10", besides: "detach1 return20 return30", late: 1 },
  { commands: "J5 L10 J15", besides: "return20 purge10 end cleanup" },
  { commands: "Q5x Q10y Q15x", besides: "detach1 return20" },
];

const titled = <Tried extends object>(scenarios: readonly Tried[]) =>
  scenarios.map((scenario) => ({
    title: Object.entries(scenario)
      .map(([name, value]) => (name === "commands" ? value : `${name} ${JSON.stringify(value)}`))
      .join(", "),
    scenario,
  }));

describe.each([
  ["the command that was received last decides", LAST_WORD],
  ["a session that comes back is listed where its record says", RECOVERED],
  ["nothing is left behind by a session that ended", ENDED],
  ["what is forgotten is not needed", PURGED],
  ["a record is bounded by limits", LIMITED],
  ["and with all of it", isLarge ? [...MORE, ...LARGE] : MORE],
])("%s", (_, scenarios) => {
  test.each(titled(scenarios))("in every order of $title", { timeout: 600_000 }, ({ scenario }) => {
    expect(tryAll(scenario)).toEqual({ states: expect.any(Number) });
  });
});

const ABLATIONS: readonly (readonly [Part, string, Scenario])[] = [
  ["lives", "left behind", { commands: "J5", besides: "end cleanup" }],
  ["max", "more rooms", { commands: "Ja1 Jb2 Jc3", limits: { max: 2, churn: 2 } }],
  ["claimed", "by its record", { commands: "L5 J10" }],
  ["released", "by the record", { commands: "J5 L10" }],
  ["churn", "grows with the past", { commands: "La1 Lb2 Lc3 Ld4", limits: { max: 1, churn: 2 } }],
  ["itemStamp", "still lists", { commands: "J5 L10" }],
  ["tombstone", "still lists", { commands: "J5 L10" }],
  ["tracked", "left behind", { commands: "J5 L10", besides: "end cleanup", deaths: 1 }],
  ["purgeStamp", "not listed", { commands: "J5 L10 J15", besides: "purge10" }],
  ["epochs", "left behind", { commands: "J5", besides: "return20 end cleanup" }],
  ["listStamp", "still lists", { commands: "J5 L10", besides: "return20" }],
  ["listCondition", "still lists", { commands: "J5 L10", besides: "return20" }],
  ["recordKey", "not listed", { commands: "J5", besides: "return20" }],
  ["newer", "not the newest", { commands: "J5", besides: "return20 return30" }],
  ["sameConnection", "is detached from", { commands: "J5", besides: "detach1 return20" }],
  ["ownTake", "has stopped", { commands: "J5", besides: "return20", lost: 1 }],
];

test.each(ABLATIONS)("without %s there is %s", (part, problem, scenario) => {
  const { problem: found = "nothing", run } = tryAll(scenario, [part]);

  expect(found, run?.join("; ")).toContain(problem);
});

describe("presence", () => {
  const scenarios: readonly PresenceScenario[] = [
    { commands: "Ea5 Eb7", heard: 1 },
    { online: "ab", commands: "Da Db", heard: 1 },
    { online: "ab", commands: "Xa5 Xb7", heard: 1 },
    { online: "a", commands: "Xa5 Da", heard: 1, isImpatient: true },
    { commands: "Ea5 Xa10 Eb7", isImpatient: true },
    { commands: "Ea5 Xa10 Da", isImpatient: true },
    { commands: "Ea5 Ea6 Eb7", deaths: 2 },
    { commands: "Ea5 Xa10 Xa11 Da", deaths: 2 },
    { online: "a", commands: "Da Eb7", deaths: 1 },
    { online: "a", commands: "Da Eb7 Db", deaths: 2 },
    { online: "a", commands: "Xa5 Ea6 Eb7 Xb8", deaths: 1 },
    { online: "ab", commands: "Xa5 Da Db", deaths: 2 },
    { online: "ab", commands: "Da Db Ec5", deaths: 1 },
    { online: "a", commands: "Da", lost: 2, deaths: 1 },
    { commands: "Ea5 Xa10 Da", lost: 1 },
    { commands: "Ea5 Eb7 Da", lost: 1 },
  ];

  const large: readonly PresenceScenario[] = [
    { commands: "Ea5 Xa10 Ea15 Eb7 Xb12", isImpatient: true },
    { online: "ab", commands: "Da Db Ec5 Dc", deaths: 2 },
  ];

  test.each(titled(isLarge ? [...scenarios, ...large] : scenarios))(
    "is announced as it is, in every order of $title",
    { timeout: 600_000 },
    ({ scenario }) => {
      expect(tryPresence(scenario)).toEqual({ states: expect.any(Number) });
    },
  );

  test.each<readonly [Rule, string, PresenceScenario]>([
    ["mark", "believe that it is online", { online: "a", commands: "Da Eb7 Db", deaths: 1 }],
    ["own", "believe that it is", { online: "a", commands: "Da Eb7 Xb9 Db", deaths: 1 }],
    ["confirmed", "believe that it is offline", { online: "a", commands: "Da Eb7" }],
    ["stamp", "online are a", { commands: "Ea5 Xa10", isImpatient: true }],
    ["first end", "2 times", { online: "a", commands: "Xa5 Da", heard: 1, isImpatient: true }],
    ["kept", "believe that it is online", { online: "a", commands: "Da", deaths: 1 }],
  ])("without %s %s", (rule, problem, scenario) => {
    const { problem: found = "nothing", run } = tryPresence(scenario, [rule]);

    expect(found, run?.join("; ")).toContain(problem);
  });
});

describe("who does not wait for what is under way", () => {
  test("forgets a leave that an older join must find", () => {
    const scenario = { commands: "J5 L10", besides: "purge10", isImpatient: true };

    expect(tryAll(scenario).problem).toBe("a room that was left, and not by the record");
  });

  test("deletes a record whose items are still being written", () => {
    const scenario = { commands: "J5", besides: "end cleanup", isImpatient: true };

    expect(tryAll(scenario).problem).toContain("left behind");
  });
});
