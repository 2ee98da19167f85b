import { expect, test } from "vitest";
import type { AnyApp } from "../../lambdas/server/app.ts";
import type { Parts } from "../../lambdas/server/pipeline/parts.ts";
import { createReceive } from "../../lambdas/server/pipeline/receive.ts";
import type { createServer } from "../../lambdas/server/pipeline.ts";
import { SILENT } from "../support/silent.ts";

/** A POST of so many pongs, handled so; gives what came of it, and for how long it paused. */
function post(packets: number, onFrame: (frame: { receivedAt: number }) => Promise<void>) {
  const pauses: number[] = [];
  const parts = {
    adapter: { connections: { get: async () => ({ connectedAt: 0, sockets: {} }) } },
    runtime: {
      ...{ heartbeat: { maxPayload: 1000 }, now: () => 1002, telemetry: SILENT },
      pause: async (milliseconds: number) => void pauses.push(milliseconds),
    },
  };
  const receive = createReceive(
    parts as unknown as Parts<AnyApp>,
    { remember: () => undefined, onFrame } as unknown as ReturnType<typeof createServer>,
  );
  const served = receive("poll:p1", {
    ...{ method: "POST", headers: {}, query: {}, requestId: "r", receivedAt: 1000 },
    body: Array(packets).fill("3").join("\x1e"),
  });
  return { served, pauses };
}

test("a POST is answered no sooner than the times that its packets are taken to have come at", async () => {
  const received: number[] = [];

  const { served, pauses } = post(50, async ({ receivedAt }) => void received.push(receivedAt));

  const { answer, rest } = await served;
  expect(answer).toMatchObject({ statusCode: 200 });
  await rest;
  expect(Math.max(...received)).toBe(1049);
  expect(pauses).toContain(48);
});

test("a POST whose packets wait is answered after a quarter second, and they are handled after that", async () => {
  let handled = 0;
  let go: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });

  const { served, pauses } = post(2, async () => {
    await gone;
    handled += 1;
  });

  const { answer, rest } = await served;
  expect(answer).toMatchObject({ statusCode: 200 });
  expect(pauses).toContain(250);
  expect(handled).toBe(0);
  go();
  await rest;
  expect(handled).toBe(2);
});
