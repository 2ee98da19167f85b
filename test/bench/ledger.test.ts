import { beforeEach, describe, expect, test } from "vitest";
import { createLedger, type Ledger, type Membership } from "../../bench/chaos/ledger.ts";

/** Longer than a delivery may take. */
const LATER = 20_000;

let time = 0;
let ledger: Ledger;
let member: Membership;
beforeEach(() => {
  time = 1000;
  ledger = createLedger(() => time);
  member = ledger.join("org-1", "ada");
});

const at = (milliseconds: number, act: () => void) => {
  time = milliseconds;
  act();
};
const send = (mark: string, isVolatile = false) =>
  ledger
    .send({ mark, event: "custom:event", sender: "eve", audience: "org-1", isVolatile })
    .confirmed();
const totalsLater = () => {
  time += LATER;
  return ledger.totals();
};

describe("the ledger of a chaos run", () => {
  test("counts what nobody received as lost, and what came twice as duplicated", () => {
    for (const mark of ["#1", "#2", "#3"]) at(2000, () => send(mark));
    for (const mark of ["#2", "#3", "#3"]) ledger.receive(member, mark);

    expect(totalsLater()).toMatchObject({ expected: 3, delivered: 2, lost: 1, duplicated: 1 });
    expect(ledger.lost()).toEqual([expect.stringMatching(/^#1 custom:event from eve to ada: /)]);
  });

  test("has what was sent while a connection was lost due to a socket that came back", () => {
    at(2000, () => ledger.leave(member));
    at(2500, () => send("#1"));
    at(3000, () => ledger.comeBack(member));

    expect(totalsLater()).toMatchObject({ expected: 1, lost: 1, returned: 1 });
  });

  test("has nothing volatile due to a socket that was away, from the first of several losses on", () => {
    at(2000, () => ledger.leave(member));
    at(2500, () => send("#1", true));
    at(2000 + LATER, () => ledger.leave(member));
    at(3000 + LATER, () => ledger.comeBack(member));

    expect(totalsLater()).toMatchObject({ expected: 0, lost: 0 });
  });

  test("has nothing due to a socket that did not come back", () => {
    at(2000, () => send("#1"));
    ledger.leave(member);

    expect(totalsLater()).toMatchObject({ expected: 0, lost: 0 });
  });
});
