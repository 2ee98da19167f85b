import { expect, inject, test } from "vitest";
import { measurePosts } from "../../bench/support/posts.ts";

test("a post takes a fraction of the processor time of the SDK's, and hardly more than a bare signed request", async () => {
  const [sdk, ours, bare] = (await measurePosts(inject("assembly"), 1500, 7)).map(
    ({ microseconds }) => microseconds,
  );
  if (sdk === undefined || ours === undefined || bare === undefined) throw new Error("no costs");

  // Measured 10 and 1.15 (docs/performance.md); wide enough for a noisy machine.
  expect(sdk / ours).toBeGreaterThan(4);
  expect(ours / bare).toBeLessThan(2);
});
