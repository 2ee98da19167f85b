import { describe, expect, test } from "vitest";
import { refuseOversized } from "../../lambdas/server/pipeline/oversized.ts";

const KB = 1000;

/** Has what so many packets of a size are checked: each to a room, or all to one socket. */
function emit(count: number, frame: string, audience: object) {
  const emissions = Array.from({ length: count }, () => ({ audience, frames: [frame] }));
  return () =>
    refuseOversized({ emissions } as unknown as Parameters<typeof refuseOversized>[0], {
      connectionStateRecovery: 120,
    });
}

describe("what one event emits to rooms", () => {
  const room = { tenant: "acme", nsp: "/", rooms: ["corner"] };

  test("is refused where one function could not hand it to another, which posts to the rest of a large room", () => {
    expect(emit(10, "x".repeat(110 * KB), room)).toThrow(
      /^what one event emits to rooms would be \d+ bytes, more than 1000000$/,
    );
    expect(emit(6, '"'.repeat(110 * KB), room)).toThrow(/^what one event emits to rooms/);
  });

  test("may be as long as fits, and more of it for one socket", () => {
    expect(emit(8, "x".repeat(110 * KB), room)).not.toThrow();
    expect(emit(20, "x".repeat(110 * KB), { connectionId: "c", nsp: "/" })).not.toThrow();
  });
});
