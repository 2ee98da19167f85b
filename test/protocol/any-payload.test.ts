import { DeleteConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import type { Context } from "aws-lambda";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { pollingId } from "../../lambdas/server/model/transport.ts";
import { mockAws, withEnvironment } from "../support/mocked-aws.ts";
import { payload, SEPARATOR } from "../support/payloads.ts";

const PAYLOADS = 5000;

/** Calls that the mocked database is asked for one packet at most, and for a request besides. */
const MOST_CALLS = 40;
const SID = "a".repeat(20);
const SELF = pollingId(SID);
const OTHER = "other=";

const { dynamo, management } = mockAws({ self: SELF, other: OTHER });

const { handler } = await withEnvironment(
  () => import("../../lambdas/mudbase/functions/polling.ts"),
);
const { telemetry } = await import("../../lambdas/server/telemetry.ts");

const failures = vi.spyOn(telemetry, "fail");

test(`any body of a POST is answered, makes a bounded number of calls, and closes no other connection (${PAYLOADS} bodies)`, async () => {
  await fc.assert(
    fc.asyncProperty(payload, async (body) => {
      management.resetHistory();
      dynamo.resetHistory();

      const { statusCode } = await handler(post(body), {} as Context);

      expect([200, 400, 413]).toContain(statusCode);
      const packets = body.split(SEPARATOR).length;
      expect(dynamo.calls().length).toBeLessThanOrEqual(MOST_CALLS * (packets + 1));
      expect(management.commandCalls(DeleteConnectionCommand)).toEqual([]);
    }),
    { numRuns: PAYLOADS },
  );
  expect(failures.mock.calls.slice(0, 1)).toEqual([]);
});

const post = (body: string) =>
  ({
    requestContext: { requestId: "r", timeEpoch: Date.now(), http: { method: "POST" } },
    ...{ headers: {}, queryStringParameters: { EIO: "4", transport: "polling", sid: SID }, body },
  }) as unknown as Parameters<typeof handler>[0];
