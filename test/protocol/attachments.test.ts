import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BinaryPart } from "../../lambdas/server/model/session.ts";
import { findComplete, heldFault } from "../../lambdas/server/socket/attachments.ts";

let parts = 0;
const header = (receivedAt: number, attachments: number): BinaryPart => ({
  id: `header-${++parts}`,
  receivedAt,
  bytes: 10,
  attachments,
});
const attachment = (receivedAt: number, bytes = 10): BinaryPart => ({
  id: `attachment-${++parts}`,
  receivedAt,
  bytes,
});

describe("[SIO15] the parts of binary packets, in whatever order they reach the table,", () => {
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
          const packets = [{ header: first, attachments }];
          expect(findComplete(held)).toEqual({ packets, isOrdered: true });
          held = held.filter((part) => ![first, ...attachments].includes(part));
        }
        expect(findComplete(held)).toBeUndefined();
      }),
    );
  });

  test("wait while one is missing, even if later ones are there", () => {
    const [first, second] = [attachment(1), attachment(2)];
    const parts = [header(0, 2), first, header(3, 1), attachment(4)];

    expect(findComplete(parts)).toBeUndefined();
    expect(findComplete([...parts, second])?.packets).toMatchObject([
      { attachments: [first, second] },
    ]);
  });
});

describe("[SIO15] parts of one millisecond", () => {
  const one = { packets: expect.objectContaining({ length: 1 }), isOrdered: true };
  const refused = (packets: number) => ({
    packets: expect.objectContaining({ length: packets }),
    isOrdered: false,
  });

  test.each([
    ["a header and its only attachment", [header(0, 1), attachment(0)], one],
    ["a header and the first of two", [header(0, 2), attachment(0), attachment(1)], one],
    [
      "the end of a packet and the next header",
      [header(0, 1), attachment(3), header(3, 1), attachment(4)],
      one,
    ],
    ["two attachments of a packet", [header(0, 2), attachment(1), attachment(1)], refused(1)],
    ["two packets", [header(0, 1), attachment(0), header(0, 1), attachment(0)], refused(2)],
    [
      "two headers",
      [header(1, 1), attachment(1), header(1, 2), attachment(2), attachment(3)],
      refused(2),
    ],
    [
      "the attachments of two packets",
      [header(0, 1), attachment(2), header(1, 1), attachment(2)],
      undefined,
    ],
    [
      "the last attachment of a packet and the first of the next",
      [header(0, 2), attachment(1), attachment(2), header(2, 1), attachment(2)],
      refused(2),
    ],
    [
      "an attachment whose header is still missing",
      [header(0, 1), attachment(0), attachment(0)],
      undefined,
    ],
    [
      "the next header, whose attachment is still missing",
      [header(0, 2), attachment(1), attachment(3), header(3, 1)],
      undefined,
    ],
  ] as const)("%s", (_, sent, found) => {
    for (const arrived of [sent, sent.toReversed()])
      if (found === undefined) expect(findComplete(arrived)).toBeUndefined();
      else expect(findComplete(arrived)).toEqual(found);
  });

  test("are never put into a guessed order", () => {
    const packets = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(packets, fc.infiniteStream(fc.integer({ min: 0, max: 1 })), (counts, chance) => {
        const next = () => Number(chance.next().value);
        let time = 0;
        const later = () => {
          time += next();
          return time;
        };
        const sent = counts.map((count) => [
          header(later(), count),
          ...Array.from({ length: count }, () => attachment(later())),
        ]);
        let held = sent.flat().toSorted(() => next() - 0.5);
        for (let found = findComplete(held); found !== undefined; found = findComplete(held)) {
          if (found.isOrdered)
            expect(sent).toContainEqual(
              found.packets.flatMap((packet) => [packet.header, ...packet.attachments]),
            );
          const consumed = found.packets.flatMap((packet) => [
            packet.header,
            ...packet.attachments,
          ]);
          held = held.filter((part) => !consumed.includes(part));
        }
        expect(held).toEqual([]);
      }),
    );
  });
});

describe("[SIO14] pending attachments", () => {
  test.each([
    ["1 MiB", [attachment(0, 1024 * 1024)], undefined],
    ["more than 1 MiB", [attachment(0, 1024 * 1024), attachment(0, 1)], /larger than 1 MiB/],
    ["a hundred parts", Array.from({ length: 100 }, () => attachment(0)), undefined],
    ["more than a hundred", Array.from({ length: 101 }, () => attachment(0)), /too many parts/],
  ] as const)("%s", (_, parts, fault) => {
    if (fault === undefined) expect(heldFault(parts, 0)).toBeUndefined();
    else expect(heldFault(parts, 0)).toMatch(fault);
  });

  test("is held for 30 s", () => {
    expect(heldFault([attachment(0)], 30_000)).toBeUndefined();
    expect(heldFault([attachment(0)], 30_001)).toMatch(/30 s/);
  });
});
