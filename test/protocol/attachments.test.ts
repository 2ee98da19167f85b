import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Piece } from "../../lambdas/model/connection.ts";
import { findComplete, heldFault } from "../../lambdas/socket/attachments.ts";

const header = (receivedAt: number, attachments: number): Piece => ({
  id: `header-${receivedAt}`,
  receivedAt,
  bytes: 10,
  attachments,
});
const attachment = (receivedAt: number, bytes = 10): Piece => ({
  id: `attachment-${receivedAt}`,
  receivedAt,
  bytes,
});

describe("[SIO15] the pieces of binary packets, in whatever order they reach the table,", () => {
  test("make the packets that were sent", () => {
    const packets = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(packets, fc.infiniteStream(fc.nat()), (counts, chance) => {
        let time = 0;
        const sent = counts.map((count) => [
          header(time++, count),
          ...Array.from({ length: count }, () => attachment(time++)),
        ]);
        let held = sent.flat().toSorted(() => (Number(chance.next().value) % 2) - 0.5);
        for (const [first, ...attachments] of sent) {
          expect(findComplete(held)).toEqual({ header: first, attachments });
          held = held.filter((piece) => ![first, ...attachments].includes(piece));
        }
        expect(findComplete(held)).toBeUndefined();
      }),
    );
  });

  test("wait while one is missing, though later ones are there", () => {
    const pieces = [header(0, 2), attachment(1), header(3, 1), attachment(4)];

    expect(findComplete(pieces)).toBeUndefined();
    expect(findComplete([...pieces, attachment(2)])?.attachments.map(({ id }) => id)).toEqual([
      "attachment-1",
      "attachment-2",
    ]);
  });
});

describe("[SIO14] what may be held", () => {
  test.each([
    ["1 MiB", [attachment(0, 1024 * 1024)], undefined],
    ["more than 1 MiB", [attachment(0, 1024 * 1024), attachment(0, 1)], /larger than 1 MiB/],
    ["a hundred pieces", Array.from({ length: 100 }, () => attachment(0)), undefined],
    ["more than a hundred", Array.from({ length: 101 }, () => attachment(0)), /too many pieces/],
  ] as const)("%s", (_, pieces, fault) => {
    if (fault === undefined) expect(heldFault(pieces, 0)).toBeUndefined();
    else expect(heldFault(pieces, 0)).toMatch(fault);
  });

  test("is held for 30 s", () => {
    expect(heldFault([attachment(0)], 30_000)).toBeUndefined();
    expect(heldFault([attachment(0)], 30_001)).toMatch(/30 s/);
  });
});
