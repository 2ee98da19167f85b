import { beforeEach, describe, expect, test } from "vitest";
import { createLedger, type Membership } from "../../bench/chaos/ledger.ts";
import { createPresenceLedger, type PresenceLedger } from "../../bench/chaos/presence.ts";

let time = 0;
let presence: PresenceLedger;
let ada: Membership;
beforeEach(() => {
  time = 1000;
  presence = createPresenceLedger(() => time);
  ada = createLedger(() => time).join("org-1", "ada");
  presence.change("eve", "online");
});

const at = (milliseconds: number, act: () => void) => {
  time = milliseconds;
  act();
};
const tell = (status: "online" | "offline", milliseconds = time) =>
  presence.tell(ada, `presence:user:${status}`, {
    userId: "eve",
    timestamp: new Date(milliseconds).toISOString(),
  });
const reasons = () => presence.wronglyTold([ada]).map(({ reason }) => reason);

describe("the presence ledger of a chaos run", () => {
  test("has a user told wrongly to be offline who is online, or has only just lost its connection", () => {
    at(2000, () => tell("offline"));
    at(3000, () => presence.lose("eve"));
    at(4000, () => tell("offline"));
    at(5000, () => presence.comeBack("eve"));
    at(30_000, () => tell("offline"));

    expect(reasons()).toEqual(Array(3).fill("told that one has gone who has not"));
  });

  test("has nothing wrong with one who has gone offline, may have, or was away for long", () => {
    at(2000, () => presence.change("eve", "offline"));
    at(2000, () => tell("offline"));
    at(3000, () => presence.change("eve", "unknown"));
    at(4000, () => tell("offline"));
    at(5000, () => presence.change("eve", "online"));
    // A replay of what was so.
    at(6000, () => tell("offline", 4000));
    at(7000, () => presence.lose("eve"));
    at(30_000, () => tell("offline"));
    at(31_000, () => presence.comeBack("eve"));

    expect(reasons()).toEqual([]);
  });

  test("has a user told wrongly whose end nobody is told of", () => {
    at(2000, () => presence.end("eve", "org-1"));
    expect(reasons()).toEqual(["not told that one has gone"]);

    at(3000, () => tell("offline"));
    expect(reasons()).toEqual([]);

    at(4000, () => tell("online"));
    expect(reasons()).toEqual(["not told that one has gone"]);
  });

  test("has nobody to be told of the end of one who was offline before", () => {
    at(2000, () => presence.change("eve", "offline"));
    at(3000, () => presence.end("eve", "org-1"));

    expect(reasons()).toEqual([]);
  });
});
