import type { Context } from "aws-lambda";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { mockAws, withEnvironment } from "../support/mocked-aws.ts";

const FRAMES = 12_000;
const SELF = "self=";
const OTHER = "other=";

const { dynamo, management } = mockAws({ self: SELF, other: OTHER });

const { handler } = await withEnvironment(
  () => import("../../lambdas/mudbase/functions/socket.ts"),
);
const { telemetry } = await import("../../lambdas/server/telemetry.ts");

const json = fc.json({ maxDepth: 4 });
const name = fc.oneof(
  fc.string(),
  fc.constantFrom("connect", "disconnect", "__proto__", "constructor", "toString", "error"),
);
const anyFrame = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.tuple(fc.constantFrom("0", "1", "2", "3", "5", "6", "b", "b4"), fc.string()).map(join),
  fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "45", "46", "4"), fc.string()).map(join),
  fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "421", "40/", "42/a,"), json).map(join),
  fc
    .tuple(
      fc.constantFrom("42", "4299999999999999999999", "45", "451-", "4510-", "4511-"),
      name,
      json,
    )
    .map(([start, event, payload]) => `${start}[${JSON.stringify(event)},${payload}]`),
  fc.base64String().map((text) => `b${text}`),
);

function join(parts: readonly string[]): string {
  return parts.join("");
}

const failures = vi.spyOn(telemetry, "fail");

test(`[EIO7] [SIO12] any string as a frame is answered with 200 and reaches no other connection (${FRAMES} frames)`, async () => {
  await fc.assert(
    fc.asyncProperty(anyFrame, async (body) => {
      management.resetHistory();
      dynamo.resetHistory();

      expect(await handler(message(body), {} as Context)).toEqual({ statusCode: 200 });

      for (const { args } of management.calls())
        expect(args[0].input).toMatchObject({ ConnectionId: SELF });
    }),
    { numRuns: FRAMES },
  );
  expect(failures.mock.calls.slice(0, 1)).toEqual([]);
});

const message = (body: string) =>
  ({
    requestContext: {
      connectionId: SELF,
      connectedAt: Date.now(),
      requestTimeEpoch: Date.now(),
      eventType: "MESSAGE",
      messageId: "m",
    },
    body,
  }) as unknown as Parameters<typeof handler>[0];
