import { describe, expect, test } from "vitest";
import { ABLATIONS } from "./recovery/ablations.ts";
import { after, explore, type Findings, walk } from "./recovery/explore.ts";
import { isAllowed, modelOf } from "./recovery/model.ts";
import { MAILBOX, type Rules } from "./recovery/rules.ts";
import type { Scenario } from "./recovery/scenarios.ts";

/** `MODEL=large` visits millions of states more. */
const isLarge = process.env.MODEL === "large";
const STEPS = isLarge ? 3_000_000 : 20_000;
const PATIENCE = isLarge ? 1_800_000 : 60_000;

const one = { rooms: "A", broadcasts: { 1: "A" } };
const two = { rooms: "A", broadcasts: { 1: "A", 2: "A" } };
const three = { rooms: "A", broadcasts: { 1: "A", 2: "A", 3: "A" } };
const halfOpen = { halfOpen: true };
const deadlines = { deadlines: true };
const asWorkers = { divided: [1], paged: true, ...deadlines };

/** What a session of one client may meet; each is tried in every order. */
const SMALL: Readonly<Record<string, Scenario>> = {
  "two packets and a cut that API Gateway does not detect": { ...two, cuts: 1, ...halfOpen },
  "two cuts that API Gateway does not detect": { ...one, cuts: 2, ...halfOpen },
  "a worker, and members in pages": { ...one, ...asWorkers, cuts: 1, ...halfOpen },
  "writes that are repeated, at once and late": { ...one, cuts: 1, lost: 1, late: 1, ...halfOpen },
  "a post without an answer": { ...one, cuts: 1, unanswered: 1, ...deadlines, ...halfOpen },
  "a leave": { ...one, commands: "L10A", cuts: 1, ...halfOpen },
  "a leave of one of two rooms": { ...one, rooms: "AB", commands: "L10B", cuts: 1, ...halfOpen },
  "a join": { ...one, rooms: "B", commands: "J5A", cuts: 1, ...halfOpen },
  "a join again": { ...one, commands: "J5A", cuts: 1, ...halfOpen },
  "a leave and a join": { ...one, commands: "L10A J15A", cuts: 1, ...halfOpen },
  "a log that is pruned": { ...one, cuts: 1, pings: 1, prunes: 1, ...deadlines, ...halfOpen },
};

const LARGE: Readonly<Record<string, Scenario>> = {
  "two packets and a cut": { ...two, cuts: 1 },
  "two cuts": { ...one, cuts: 2 },
  "two packets, a death and a cut": { ...two, cuts: 1, deaths: 1, ...halfOpen },
  "two packets and two cuts": { ...two, cuts: 2, ...halfOpen, reasons: false },
  "a worker that dies": { ...one, ...asWorkers, cuts: 1, deaths: 1 },
  "a worker of one of two packets": { ...two, ...asWorkers, cuts: 1, ...halfOpen },
  "a lost answer, and a death": { ...one, cuts: 1, deaths: 1, lost: 1 },
  "a join, two cuts": { ...one, rooms: "B", commands: "J5A", cuts: 2, ...halfOpen },
  "a leave and a join, and its first attempt late": {
    ...{ ...one, commands: "L10A J15A", cuts: 1, late: 1, ...halfOpen },
  },
  "a post without an answer, and $disconnect": { ...one, cuts: 1, unanswered: 1, ...deadlines },
  "two packets that may be pruned": { ...two, cuts: 1, prunes: 2, ...deadlines, ...halfOpen },
};

/** Too much for every order: as many random ones as there is time for. */
const WALKS: Readonly<Record<string, Scenario>> = {
  "pings and repeated writes": { ...three, cuts: 2, pings: 2, lost: 1, late: 1 },
  "workers that die": { ...three, divided: [1, 2], paged: true, ...deadlines, cuts: 2, deaths: 1 },
  "posts without an answer": { ...three, ...asWorkers, cuts: 3, unanswered: 2, pings: 1 },
  "logs that are pruned": { ...three, ...deadlines, cuts: 2, prunes: 2, pings: 2, deaths: 1 },
  "joins and leaves": {
    ...{ rooms: "A", broadcasts: { 1: "A", 2: "AB", 3: "B" }, cuts: 3, lost: 1, late: 1, pings: 1 },
    commands: "J5B L10B J15B L10A J15A",
  },
  "all of it": {
    ...{ rooms: "AB", broadcasts: { 1: "A", 2: "AB", 3: "B" }, commands: "L10B J15B" },
    ...{ divided: [1, 2, 3], paged: true, deadlines: true, cuts: 2, deaths: 1, pings: 1 },
    ...{ late: 1, lost: 1, unanswered: 1, prunes: 1 },
  },
};

const violationsOf = ({ found }: Findings) =>
  Object.fromEntries([...found].filter(([finding]) => !isAllowed(finding)));

const entriesOf = (scenarios: Readonly<Record<string, Scenario>>) =>
  Object.entries(scenarios).map(([name, scenario]) => ({ name, scenario }));

describe("a session that comes back loses nothing, and receives nothing out of order", () => {
  const all = entriesOf(isLarge ? { ...SMALL, ...LARGE } : SMALL);

  test.each(all)("in every order of: $name", { timeout: PATIENCE }, ({ scenario }) => {
    const findings = explore(modelOf(scenario, MAILBOX));

    expect(violationsOf(findings)).toEqual({});
    expect(findings.isComplete).toBe(true);
  });

  test.each(entriesOf(WALKS))(
    "in random orders of: $name",
    { timeout: PATIENCE },
    ({ scenario }) => {
      expect(violationsOf(walk(modelOf(scenario, MAILBOX), { max: STEPS }))).toEqual({});
    },
  );

  test("if broadcasters try a post without an answer again, too", () => {
    const scenario = { ...three, ...asWorkers, cuts: 2, unanswered: 1, pings: 1 };
    const rules: Rules = { ...MAILBOX, unanswered: "retry" };

    expect(violationsOf(walk(modelOf(scenario, rules), { max: STEPS }))).toEqual({});
  });
});

test("a packet that is posted while the client returns comes once", () => {
  const { found } = explore(modelOf({ ...two, cuts: 1, ...halfOpen }, MAILBOX));

  expect([...found.keys()].toSorted()).toEqual([
    "TWICE: it was being posted when the connection was cut",
    "TWICE: it was posted at the same time as the last one received",
  ]);
});

test.each(ABLATIONS)(
  "without $rule: $finding",
  { timeout: PATIENCE },
  ({ without, finding, scenario, begin = [] }) => {
    const until = (each: string) => each === finding;
    const model = after(modelOf(scenario, { ...MAILBOX, ...without }), begin);

    expect([...walk(model, { max: 400_000, until }).found.keys()]).toContain(finding);
  },
);
