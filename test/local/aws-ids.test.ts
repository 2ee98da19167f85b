import { describe, expect, test } from "vitest";
import { createAwsIds, type IdKind } from "../../local/aws-ids.ts";

const KINDS: readonly IdKind[] = ["connection", "message", "request"];

/** The steps of 100 ms that the first five characters of an id count. */
const stepOf = (id: string): number =>
  [...id.slice(0, 5)].reduce(
    (value, digit) =>
      value * 64 +
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(digit),
    0,
  );

describe("ids as API Gateway mints them", () => {
  test("begin with the time, in steps of 100 ms modulo 2^29, for all kinds", () => {
    let clock = 1_795_000_000_000;
    const mintId = createAwsIds(() => clock);
    const first = KINDS.map(mintId);
    clock += 700;
    const later = KINDS.map(mintId);

    for (const id of first) expect(stepOf(id)).toBe(17_950_000_000 % 2 ** 29);
    for (const id of later) expect(stepOf(id)).toBe((17_950_000_000 % 2 ** 29) + 7);
  });

  test("have a character of their kind, two random ones, and the same end in one run", () => {
    const mintId = createAwsIds();
    const ids = KINDS.map(mintId);

    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{15}=$/);
    expect(new Set(ids.map((id) => id[5])).size).toBe(KINDS.length);
    expect(new Set(ids.map((id) => id.slice(8))).size).toBe(1);
    expect(Buffer.from(ids[0] ?? "", "base64url").toString("base64url")).toBe(ids[0]?.slice(0, -1));
  });

  test("are never minted twice, even if the random characters of a step are used up", () => {
    const mintId = createAwsIds(() => 0);
    const ids = Array.from({ length: 10_000 }, () => mintId("connection"));

    expect(new Set(ids).size).toBe(ids.length);
  });
});
