import { expect, test } from "vitest";
import type { AnyApp } from "../../lambdas/server/app.ts";
import type { Parts } from "../../lambdas/server/pipeline/parts.ts";
import { createReceive } from "../../lambdas/server/pipeline/receive.ts";
import type { createServer } from "../../lambdas/server/pipeline.ts";
import { SILENT } from "../support/silent.ts";

test("a POST is answered no sooner than the times that its packets are taken to have come at", async () => {
  const received: number[] = [];
  const pauses: number[] = [];
  const parts = {
    adapter: { connections: { get: async () => ({ connectedAt: 0, sockets: {} }) } },
    runtime: {
      ...{ heartbeat: { maxPayload: 1000 }, now: () => 1002, telemetry: SILENT },
      pause: async (milliseconds: number) => void pauses.push(milliseconds),
    },
  };
  const server = {
    remember: () => undefined,
    onFrame: async ({ receivedAt }: { receivedAt: number }) => void received.push(receivedAt),
  };
  const receive = createReceive(
    parts as unknown as Parts<AnyApp>,
    server as unknown as ReturnType<typeof createServer>,
  );
  const body = Array(50).fill("3").join("\x1e");
  const request = {
    method: "POST",
    headers: {},
    query: {},
    body,
    requestId: "r",
    receivedAt: 1000,
  };

  expect(await receive("poll:p1", request)).toMatchObject({ statusCode: 200 });
  expect(Math.max(...received)).toBe(1049);
  expect(pauses).toEqual([48]);
});
