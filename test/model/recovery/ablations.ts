import type { Rules } from "./rules.ts";
import type { Scenario } from "./scenarios.ts";

interface Ablation {
  /** The rule that is left out, in words. */
  readonly rule: string;
  readonly without: Partial<Rules>;
  /** What is found then, and where. */
  readonly finding: string;
  readonly scenario: Scenario;
  /** How the run to it begins, where chance would not come upon it soon. */
  readonly begin?: readonly string[];
}

const one = { rooms: "A", broadcasts: { 1: "A" } };
const two = { rooms: "A", broadcasts: { 1: "A", 2: "A" } };
const three = { rooms: "A", broadcasts: { 1: "A", 2: "A", 3: "A" } };
const halfOpen = { ...two, cuts: 1, halfOpen: true };
const twice = { ...two, cuts: 2 };
const worker = { ...two, cuts: 2, divided: [1] };
const unanswered = { ...two, cuts: 1, unanswered: 1, deadlines: true };
const pruned = { ...three, cuts: 2, deadlines: true, prunes: 2 };

const RECOVERY: readonly Ablation[] = [
  {
    rule: "the log before the members",
    without: { logFirst: false },
    finding: "LOST",
    scenario: halfOpen,
  },
  {
    rule: "listing before the query",
    without: { recovery: ["take", "query", "list", "look", "answer", "replay", "complete"] },
    finding: "LOST",
    scenario: halfOpen,
  },
  {
    rule: "the connection in a member's key",
    without: { keys: "sid" },
    finding: "LOST",
    scenario: twice,
  },
  {
    rule: "connectedAt as the order of connections",
    without: { order: "arrival" },
    finding: "LOST",
    scenario: twice,
  },
  {
    rule: "asking the session of a member that was just listed",
    without: { asks: false },
    finding: "LOST",
    scenario: twice,
  },
  {
    rule: "asking the session of a member that was just listed",
    without: { asks: false },
    finding: "an event before the CONNECT answer",
    scenario: halfOpen,
  },
  {
    rule: "the note of what is left to a recovery",
    without: { notes: false },
    finding: "LOST",
    scenario: halfOpen,
  },
  {
    rule: "the set of replayed packets",
    without: { replayedSet: false },
    finding: "TWICE: it was being posted when the client returned",
    scenario: halfOpen,
  },
  {
    rule: "an answer that ends the asking",
    without: { settles: "time" },
    finding: "LOST",
    scenario: { ...halfOpen, deaths: 1 },
    begin: [
      ...["b1 log", "b1 resolve", "b1 stamp", "b1 post", "b1 over", "b1 mark"],
      "connection 1 is cut after 0 of 1 frames",
      "the client returns by connection 2 with packet undefined",
      ...["r2 take", "r2 list", "r2 query", "r2 look", "r2 answer", "r2 dies before replay"],
    ],
  },
  {
    rule: "marks that are compared with the last packet's time",
    without: { resume: "id" },
    finding: "LOST",
    scenario: halfOpen,
  },
  {
    rule: "the margin of clocks",
    without: { margin: false },
    finding: "LOST",
    scenario: halfOpen,
  },
  {
    rule: "counting pings only once the recovery is complete",
    without: { pings: "always" },
    finding: "LOST",
    scenario: { ...twice, pings: 2 },
  },
];

const OWNERSHIP: readonly Ablation[] = [
  {
    rule: "the condition of a member that a recovery lists",
    without: { listsIfNewer: false },
    finding: "STRAY",
    scenario: { ...one, cuts: 1, commands: "L10A" },
  },
  {
    rule: "the condition of a member that a recovery lists",
    without: { listsIfNewer: false },
    finding: "DEAF",
    scenario: { ...one, cuts: 1, commands: "L10A J15A" },
  },
  {
    rule: "the stamp of the record in a member that a recovery lists",
    without: { listStamp: "connect" },
    finding: "STRAY",
    scenario: { ...one, cuts: 1, commands: "L10A" },
  },
  {
    rule: "the record's connection in what a join writes",
    without: { commandKey: "frame" },
    finding: "DEAF",
    scenario: { rooms: "B", broadcasts: { 1: "A" }, cuts: 1, commands: "J5A" },
  },
  {
    rule: "the record's connection in what a leave writes",
    without: { commandKey: "frame" },
    finding: "STRAY",
    scenario: { ...one, cuts: 1, commands: "L10A" },
  },
  {
    rule: "the time since which a session is in a room, kept by a repeated join",
    without: { keepsSince: false },
    finding: "LOST",
    scenario: { ...one, cuts: 1, commands: "J15A" },
  },
  {
    rule: "a look at the session after the query",
    without: { recovery: ["take", "list", "query", "answer", "replay", "complete"] },
    finding: "a packet of a room that was left",
    scenario: { ...one, cuts: 1, commands: "L10A" },
  },
];

const FAN_OUT: readonly Ablation[] = [
  {
    rule: "all pages and rooms before one member is chosen",
    without: { wholeSids: false },
    finding: "posted twice by one broadcast",
    scenario: { rooms: "AB", broadcasts: { 1: "AB" }, paged: true },
  },
  {
    rule: "key ranges that are cut between sessions",
    without: { ranges: "within" },
    finding: "LOST",
    scenario: worker,
  },
  {
    rule: "a mark for each key range",
    without: { ranges: "any mark" },
    finding: "LOST",
    scenario: worker,
  },
  {
    rule: "workers that stop at the deadline",
    without: { deadline: false },
    finding: "LOST",
    scenario: { ...worker, deadlines: true },
  },
  {
    rule: "leaving out the mark after a post without an answer",
    without: { unanswered: "mark" },
    finding: "LOST",
    scenario: unanswered,
  },
  {
    rule: "closing the connection after a post without an answer",
    without: { unanswered: "leave" },
    finding: "LOST",
    scenario: unanswered,
  },
  {
    rule: "closing the connection after a replayed post without an answer",
    without: { closesUnanswered: false },
    finding: "LOST",
    scenario: { ...two, cuts: 2, unanswered: 1 },
  },
  {
    rule: "reading whose take it was that was refused",
    without: { knowsOwnTake: false },
    finding: "a new session without need",
    scenario: { ...one, cuts: 1, lost: 1 },
  },
  {
    rule: "a retention",
    without: { retention: "never" },
    finding: "LOST",
    scenario: pruned,
  },
  {
    rule: "a look at the retention after the query",
    without: { retention: "before" },
    finding: "LOST",
    scenario: pruned,
  },
];

/** One rule left out at a time, and what that does. */
export const ABLATIONS: readonly Ablation[] = [...RECOVERY, ...OWNERSHIP, ...FAN_OUT];
