import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { AnyApp } from "../../lambdas/server/app.ts";
import type { Parts } from "../../lambdas/server/pipeline/parts.ts";
import { createReceive } from "../../lambdas/server/pipeline/receive.ts";
import type { createServer, Received } from "../../lambdas/server/pipeline.ts";
import { SILENT } from "../support/silent.ts";

/** What comes once somebody has waited long enough. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

type Frame = Pick<Received, "receivedAt" | "onWait">;

/** A POST of these packets, handled so; gives its answer, whether it has been given, and what goes on after it. */
function post(
  packets: readonly string[],
  onFrame: (frame: Frame, packet: string) => Promise<void>,
  pause: (milliseconds: number) => Promise<void> = async () => undefined,
) {
  const parts = {
    adapter: { connections: { get: async () => ({ connectedAt: 0, sockets: {} }) } },
    runtime: {
      ...{ heartbeat: { maxPayload: 1000 }, now: () => 1002, telemetry: SILENT, pause },
    },
  };
  const receive = createReceive(
    parts as unknown as Parts<AnyApp>,
    { remember: () => undefined, onFrame } as unknown as ReturnType<typeof createServer>,
  );
  const served = receive("poll:p1", {
    ...{ method: "POST", headers: {}, query: {}, requestId: "r", receivedAt: 1000 },
    body: packets.join("\x1e"),
  });
  let isAnswered = false;
  void served.then(() => {
    isAnswered = true;
  });
  return {
    served,
    async isAnswered() {
      // Whatever can go on by now has gone on.
      await setImmediate();
      return isAnswered;
    },
  };
}

const pongs = (count: number): readonly string[] => Array(count).fill("3");

test("a POST is answered no sooner than the times that its packets are taken to have come at", async () => {
  const received: number[] = [];
  const pauses: number[] = [];
  const over = gate();

  const { served, isAnswered } = post(
    pongs(50),
    async ({ receivedAt }) => void received.push(receivedAt),
    async (milliseconds) => {
      pauses.push(milliseconds);
      await over.opened;
    },
  );

  expect(await isAnswered()).toBe(false);
  expect(Math.max(...received)).toBe(1049);
  expect(pauses).toEqual([48]);
  over.open();
  expect((await served).answer).toMatchObject({ statusCode: 200 });
});

test("a POST is answered once its packets are handled, so that its client sends no more than can be handled", async () => {
  const over = gate();

  const { served, isAnswered } = post(pongs(2), () => over.opened);

  expect(await isAnswered()).toBe(false);
  over.open();
  expect((await served).answer).toMatchObject({ statusCode: 200 });
});

test("a POST is answered where a handler waits for acknowledgements, and the rest of it is handled after that", async () => {
  const over = gate();
  let handled = 0;

  const { served } = post(pongs(2), async ({ onWait }) => {
    onWait?.();
    await over.opened;
    handled += 1;
  });

  const { answer, rest } = await served;
  expect(answer).toMatchObject({ statusCode: 200 });
  expect(handled).toBe(0);
  over.open();
  await rest;
  expect(handled).toBe(2);
});

test.each([
  ["a packet that has not begun", pongs(101)],
  ["a close packet", [...pongs(2), "1"]],
])("a POST is not answered before %s, whoever waits", async (_, packets) => {
  const over = gate();
  const handled: string[] = [];

  const { served, isAnswered } = post(packets, async ({ onWait }, packet) => {
    onWait?.();
    await over.opened;
    handled.push(packet);
  });

  expect(await isAnswered()).toBe(false);
  over.open();
  await (await served).rest;
  expect(handled).toEqual(packets);
});
